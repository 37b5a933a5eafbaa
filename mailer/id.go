package mailer

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// IDs names messages. A bounce is believed because it knows the name of a message of ours, and a contract's number and
// addresses are no secrets; so the names are keyed, and only who has got a message, or carried it, knows its name. (The tempting
// other way, a random name kept in the ledger, would give a delivery that a restored ledger plans again another name than it had.)
type IDs struct {
	Domain string // the sender's
	Key    Secret
}

// MessageID is the ID, without angle brackets, that always belongs to these words: a repeated message can be known as such by
// it. The words count with their lengths: ("a", "bc") and ("ab", "c") differ.
func (ids IDs) MessageID(words ...string) string {
	h := hmac.New(sha256.New, []byte(string(ids.Key)))
	for _, w := range words {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(w))))
		h.Write([]byte(w))
	}
	domain := ids.Domain
	if ascii, err := wireDomain(domain); err == nil {
		domain = ascii // a wrong domain is Compose's to refuse
	}
	return idPrefix + hex.EncodeToString(h.Sum(nil))[:tokenLength] + "@" + domain
}

const (
	idPrefix    = "report." // whoever reads it; a brand names nobody else
	tokenLength = 32
)

// ReturnAddress is where a message's bounces go if each shall tell by its address which message it is about, whatever is left of
// the message itself (VERP): "bounce@example.jp" becomes "bounce+TOKEN@example.jp". The token is the keyed part of the message's
// ID, so it can be guessed as little.
func ReturnAddress(bounce, messageID string) (string, error) {
	at := strings.LastIndexByte(bounce, '@')
	token, ok := tokenOf(messageID)
	if at < 1 || !ok {
		return "", fmt.Errorf("no return address of %q for message %q", printable(bounce, 80), printable(messageID, 80))
	}
	if at > 64-len("+")-tokenLength { // RFC 5321 4.5.3.1.1
		return "", fmt.Errorf("the part before the @ of %q is too long for verp: 31 characters at the most", printable(bounce, 80))
	}
	return bounce[:at] + "+" + token + bounce[at:], nil
}

// TokenPrefix is how the ID of a return address's message begins.
func TokenPrefix(token string) string { return idPrefix + token + "@" }

func tokenOf(messageID string) (string, bool) {
	token, _, _ := strings.Cut(strings.TrimPrefix(messageID, idPrefix), "@")
	return token, strings.HasPrefix(messageID, idPrefix) && len(token) == tokenLength
}

// verp finds what ReturnAddress wrote, also where a server has changed the case on the way.
var verp = regexp.MustCompile(`(?i)\+([0-9a-f]{32})@`)

// relayWord is a word that a relay may know a message by. It is long, because a bounce that knows it is believed: what relays number
// or take from the clock, as Postfix's queue ids, anybody could guess.
// A word with dots in it would be a host's name.
var (
	relayWord  = regexp.MustCompile(`[A-Za-z0-9_-]{20,200}`)
	kindOfByte = regexp.MustCompile(`[0-9]+|[A-Z]+|[a-z]+`)
)

// RelayID finds in a relay's reply, or in a Message-ID, the id that the relay gave the message: Amazon SES and others put one of
// their own in the place of ours and tell it in their reply only ("Ok 0106019a…-000000"). Empty if there is none that is
// long enough to prove anything.
func RelayID(text string) (found string) {
	if local, _, ok := strings.Cut(strings.Trim(text, "<> "), "@"); ok && !strings.Contains(local, " ") {
		text = local
	}
	for _, word := range relayWord.FindAllString(text, -1) {
		jumbled := len(kindOfByte.FindAllString(strings.NewReplacer("-", "", "_", "").Replace(word), -1)) > 4
		if jumbled && len(word) > len(found) {
			found = word
		}
	}
	return found
}
