package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"geppo/store"
)

// needs skips a test whose programs are not there, and says what would bring them.
func needs(t *testing.T, packages string, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("Postfix's programs want to be started by root")
	}
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed; apt-get install %s", program, packages)
		}
	}
}

// command runs a program and shows what it said if it fails.
func command(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second // a daemon that it left behind may hold its output open
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// openDir is one that other users can enter.
func openDir(t *testing.T, owner string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "geppo-peer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	give(t, dir, owner, 0o755)
	return dir
}

func give(t *testing.T, path, owner string, mode os.FileMode) {
	t.Helper()
	account, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(account.Uid)
	gid, gidErr := strconv.Atoi(account.Gid)
	if uidErr != nil || gidErr != nil {
		t.Fatal(account)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// freePort may be taken by another before it is used; then the program that wanted it says so.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}

// awaitPort returns once something listens.
func awaitPort(t *testing.T, port int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("nothing listens on port %d: %v", port, err)
		case <-ticker.C:
		}
	}
}

// certificate makes a self-signed one for 127.0.0.1 and writes cert.pem and key.pem.
func certificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay.example"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := writeFile(dir, name, pem.EncodeToMemory(block)); err != nil {
			t.Fatal(err)
		}
	}
}

const postfixMain = `
compatibility_level = 3.6
config_directory = %[1]s
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
mynetworks =
alias_maps =
alias_database =
relayhost = [127.0.0.1]:%[2]d
smtp_dns_support_level = disabled
smtpd_tls_security_level = may
smtpd_tls_cert_file = %[1]s/cert.pem
smtpd_tls_key_file = %[1]s/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_local_domain = relay.example
smtpd_recipient_restrictions = check_recipient_access texthash:%[1]s/access, permit_sasl_authenticated, reject
`

const postfixMaster = `
127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
local unix - n n - - local
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix runs Debian's Postfix from a directory of its own: TLS and a login required, some
// recipients refused, and the rest passed on to next.
func startPostfix(t *testing.T, next int) (dir string, port int) {
	t.Helper()
	needs(t, "postfix sasl2-bin libsasl2-modules libsasl2-modules-db", "postfix", "saslpasswd2")
	dir, port = openDir(t, "root"), freePort(t)
	if err := os.Mkdir(filepath.Join(dir, "sasl"), 0o755); err != nil { // Debian looks for it beside main.cf
		t.Fatal(err)
	}
	certificate(t, dir)
	for name, text := range map[string]string{
		"access":          "a1@example.jp 450 4.2.1 mailbox busy\na2@example.jp 550 5.1.1 no such user\n",
		"sasl/smtpd.conf": "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: " + dir + "/sasldb2\nmech_list: PLAIN LOGIN SCRAM-SHA-256\n",
	} {
		if err := writeFile(dir, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		give(t, filepath.Join(dir, name), "root", 0o644)
	}
	command(t, "secret\n", "saslpasswd2", "-p", "-c", "-u", "relay.example", "-f", filepath.Join(dir, "sasldb2"), "geppo")
	give(t, filepath.Join(dir, "sasldb2"), "postfix", 0o600)
	runPostfix(t, dir, port, fmt.Sprintf(postfixMain, dir, next))
	return dir, port
}

// runPostfix starts one from dir, and stops it at the test's end.
func runPostfix(t *testing.T, dir string, port int, mainCF string) {
	t.Helper()
	for name, owner := range map[string]string{"queue": "root", "data": "postfix"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		give(t, filepath.Join(dir, name), owner, 0o755)
	}
	for name, text := range map[string]string{"main.cf": mainCF, "master.cf": fmt.Sprintf(postfixMaster, port)} {
		if err := writeFile(dir, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		give(t, filepath.Join(dir, name), "root", 0o644)
	}
	command(t, "", "postfix", "-c", dir, "start")
	t.Cleanup(func() {
		if t.Failed() {
			log, err := os.ReadFile(filepath.Join(dir, "log"))
			t.Logf("%s%v", log, err)
		}
		command(t, "", "postfix", "-c", dir, "stop")
	})
	awaitPort(t, port)
}

func TestPostfix(t *testing.T) {
	const contracts = 5
	onward := newTestRelay(t, nil)
	dir, port := startPostfix(t, onward.port)
	from := template(t, contracts)
	environ := func(more ...string) []string {
		return append([]string{
			"GEPPO_SMTP_TLS=starttls", fmt.Sprint("GEPPO_SMTP_PORT=", port), "GEPPO_SMTP_CA_FILE=" + filepath.Join(dir, "cert.pem"),
			"GEPPO_SMTP_USERNAME=geppo@relay.example", "GEPPO_RETRY_GIVE_UP=10ms", "GEPPO_MAIL_FROM=geppo@geppo.example",
		}, more...)
	}
	for _, auth := range []string{"auto", "plain", "login", "scram-sha-256"} {
		t.Run(auth, func(t *testing.T) {
			s := newStation(t, from, environ("GEPPO_SMTP_PASSWORD=secret", "GEPPO_SMTP_AUTH="+auth)...)
			if code := s.runToTheEnd(50); code != exitIncomplete {
				t.Errorf("exit %d", code)
			}
			for _, d := range s.deliveries() {
				code, want := 250, store.Sent
				switch d.Recipient {
				case "a1@example.jp":
					code, want = 450, store.Failed // given up
				case "a2@example.jp":
					code, want = 550, store.Failed
				}
				attempts := s.attempts(d.ID)
				last := attempts[len(attempts)-1]
				if d.State != want || d.LastCode != code || !strings.HasPrefix(last.TLS, "TLS 1.") || strings.Contains(last.TLS, "unverified") {
					t.Errorf("%s is %s: %d %s, %s", d.Recipient, d.State, d.LastCode, d.LastReply, last.TLS)
				}
			}
		})
	}
	for name, broken := range map[string][]string{
		"wrong password":      environ("GEPPO_SMTP_PASSWORD=wrong"),
		"unknown certificate": append(environ("GEPPO_SMTP_PASSWORD=secret"), "GEPPO_SMTP_CA_FILE="),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, from, broken...)
			for range 3 {
				if code, output := s.run(); code != exitPending {
					t.Errorf("exit %d: %s", code, output)
				}
			}
			for _, d := range s.deliveries() {
				if !d.State.Pending() || d.Waited != 0 {
					t.Errorf("%s is %s, waited %s", d.Recipient, d.State, d.Waited)
				}
			}
			if code := (&station{t: t, dir: s.dir, env: append(s.env, environ("GEPPO_SMTP_PASSWORD=secret")...)}).runToTheEnd(50); code != exitIncomplete {
				t.Errorf("exit %d after the mend", code)
			}
		})
	}
}

// smtp-sink stores a message, drops the reply to its dot, and knows nothing more: nobody can tell, so
// the message is repeated once, byte for byte, and then held.
func TestSMTPSinkDropsReplies(t *testing.T) {
	needs(t, "postfix", "smtp-sink")
	const contracts = 3
	dir, port := openDir(t, "nobody"), freePort(t)
	cmd := exec.CommandContext(t.Context(), "smtp-sink", "-u", "nobody", "-q", ".", "-d", filepath.Join(dir, "mail."), fmt.Sprintf("127.0.0.1:%d", port), "50")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // it never ends by itself
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	awaitPort(t, port)
	s := newStation(t, template(t, contracts), fmt.Sprint("GEPPO_SMTP_PORT=", port), "GEPPO_SMTP_TLS=none")
	if code := s.runToTheEnd(10); code != exitIncomplete {
		t.Errorf("exit %d", code)
	}
	copies := map[string][][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "mail.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		message, err := mail.ReadMessage(bytes.NewReader(data))
		if err != nil {
			continue // awaitPort's
		}
		id := strings.Trim(message.Header.Get("Message-Id"), "<>")
		_, own, _ := bytes.Cut(data, []byte("\nFrom: ")) // what is above was added by the sink
		copies[id] = append(copies[id], own)
	}
	for _, d := range s.deliveries() {
		if d.State != store.Held || d.Ambiguous != 2 || !strings.Contains(d.Reason, "may have accepted") {
			t.Errorf("%s is %s, %d times ambiguous: %s", d.Recipient, d.State, d.Ambiguous, d.Reason)
		}
		got := copies[d.MessageID]
		if len(got) != 2 || len(got[0]) == 0 || !bytes.Equal(got[0], got[1]) {
			t.Errorf("%s: %d copies, or other bytes", d.Recipient, len(got))
		}
	}
}
