package mailer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/smallstep/pkcs7"
)

// SMIME signs bodies as multipart/signed (RFC 8551) for mail programs to show who sent them. DKIM, which servers read, goes over the
// result.
//
// The signature has no signed attributes, thus no signing time: the libraries (go-mail's own too) take that from the clock, and
// a repeat must have equal bytes. So a signature belongs to its body alone and is made once for all addresses of a
// contract. Keys sign without chance: RSA by PKCS #1 v1.5, ECDSA by RFC 6979.
type SMIME struct {
	certificate *x509.Certificate
	chain       []*x509.Certificate // up to the root, without it
	key         steadySigner
}

// LoadSMIME takes PEM: the certificate of the sender's address followed by those of its issuers, and the private key (RSA or ECDSA).
func LoadSMIME(sender string, certificates, key []byte) (*SMIME, error) {
	pair, err := tls.X509KeyPair(certificates, key)
	if err != nil {
		return nil, fmt.Errorf("S/MIME: %w; give certificate and private key as PEM", err)
	}
	s := &SMIME{certificate: pair.Leaf}
	for _, der := range pair.Certificate[1:] {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("S/MIME issuer's certificate: %w", err)
		}
		s.chain = append(s.chain, issuer)
	}
	switch private := pair.PrivateKey.(type) {
	case *rsa.PrivateKey:
		s.key.Signer = private
	case *ecdsa.PrivateKey:
		s.key.Signer = private
	default:
		return nil, errors.New("S/MIME key: mail programs know RSA and ECDSA only; get a certificate for such a key")
	}
	if err := s.check(sender); err != nil {
		return nil, err
	}
	return s, nil
}

// check finds what would make mail programs warn their readers.
func (s *SMIME) check(sender string) error {
	c := s.certificate
	named := slices.ContainsFunc(c.EmailAddresses, func(a string) bool { return strings.EqualFold(a, sender) })
	mail := len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageEmailProtection) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
	switch {
	case !named:
		return fmt.Errorf("the S/MIME certificate is for %q, not for the sender %s; get one for that address",
			printable(strings.Join(c.EmailAddresses, ", "), 200), printable(sender, 80))
	case !mail, c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0:
		return errors.New("the S/MIME certificate is not meant to sign mail; get one with the usages digitalSignature and emailProtection")
	}
	return nil
}

// Expires is the end of the certificate's validity. Messages dated after it are refused.
func (s *SMIME) Expires() time.Time { return s.certificate.NotAfter }

// Format shows whose certificate it is, whatever the verb, and never the key.
func (s *SMIME) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "S/MIME of %s until %s", strings.Join(s.certificate.EmailAddresses, ", "), s.Expires().Format(time.DateOnly))
}

// sign puts the body into a multipart/signed. date is the message's.
func (s *SMIME) sign(b *Body, date time.Time) (*Body, error) {
	if date.Before(s.certificate.NotBefore) || date.After(s.certificate.NotAfter) {
		return nil, fmt.Errorf("the S/MIME certificate is valid from %s to %s, not on the message's date; set the new one",
			s.certificate.NotBefore.Format(time.DateOnly), s.certificate.NotAfter.Format(time.DateOnly))
	}
	b.signing.Lock()
	defer b.signing.Unlock()
	if b.signer == s {
		return b.signed, nil
	}
	entity := slices.Concat([]byte("Content-Type: "+b.contentType+"\r\n\r\n"), b.content)
	signature, err := s.detached(entity)
	if err != nil {
		return nil, fmt.Errorf("S/MIME: %w", err)
	}
	boundary := fmt.Sprintf("part-signed-%016x", xxhash.Sum64(entity))
	var out bytes.Buffer
	out.Grow(len(entity) + encodedSize(signature) + 512)
	out.WriteString("--" + boundary + "\r\n")
	out.Write(entity)
	out.WriteString("\r\n--" + boundary + "\r\n" +
		"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n" +
		"Content-Transfer-Encoding: base64\r\n" +
		"Content-Disposition: attachment; filename=smime.p7s\r\n\r\n")
	writeBase64(&out, signature)
	out.WriteString("\r\n--" + boundary + "--\r\n")
	b.signer = s
	b.signed = newBody(b.subject, b.lang, "multipart/signed; micalg=sha-256;\r\n protocol=\"application/pkcs7-signature\";\r\n boundary="+boundary, out.Bytes())
	return b.signed, nil
}

// detached is the DER of a CMS SignedData over entity, without it.
func (s *SMIME) detached(entity []byte) ([]byte, error) {
	data, err := pkcs7.NewSignedData(entity)
	if err != nil {
		return nil, err
	}
	data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := data.SignWithoutAttr(s.certificate, s.key, pkcs7.SignerInfoConfig{}); err != nil {
		return nil, err
	}
	for _, issuer := range s.chain {
		data.AddCertificate(issuer)
	}
	data.Detach()
	return data.Finish()
}

// steadySigner keeps chance away from a key.
type steadySigner struct{ crypto.Signer }

func (s steadySigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(nil, digest, opts)
}
