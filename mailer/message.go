// Package mailer turns Parts into the frozen bytes of a message and hands them to a relay over
// SMTP, telling in which stage an attempt ended and whether the message may have been accepted.
// It knows nothing of contracts, months or databases.
package mailer

import (
	"crypto/sha256"
	"net/mail"
	"time"
)

// Header is what a message says beyond its Parts.
type Header struct {
	From      mail.Address
	ReplyTo   mail.Address // zero: no Reply-To
	To        mail.Address // the only recipient
	Bounce    string       // envelope sender; From's address if empty
	VERP      bool         // the envelope sender tells the message, see ReturnAddress
	MessageID string       // without angle brackets, see MessageID
	Date      time.Time    // written in Japan's zone, to the second
	SMIME     *SMIME       // nil: no S/MIME signature
	DKIM      *DKIM        // nil: no DKIM signature
}

// Message is one message to one address, as it goes over the wire but for dot-stuffing.
type Message struct {
	ID    string // Message-ID without angle brackets
	From  string // envelope sender, in ASCII, quoted where it must be
	To    string // envelope recipient, likewise
	Bytes []byte // CRLF line ends throughout, also the last
	sum   [sha256.Size]byte
}

// SHA256 identifies the bytes; a repeat must have the same. It is computed once, when the message is
// built: a millisecond for 250 KB that no relay waits for.
func (m Message) SHA256() [sha256.Size]byte { return m.sum }

// WithBytes is the message with the bytes of an earlier copy of it.
func (m Message) WithBytes(b []byte) Message {
	m.Bytes, m.sum = b, sha256.Sum256(b)
	return m
}
