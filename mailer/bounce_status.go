package mailer

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// What makes a failure hard is a code that says that there is no such mailbox: 5.1.1, no such domain (5.1.2, 5.1.10), or none that
// could be (5.1.3). All others pass, or are about us: a mailbox that is full or disabled (5.2.x), one that moved (5.1.6), policy and
// spam (5.7.x), trouble on the way (5.4.x), the sender's own address (5.1.7, 5.1.8). The reply's words are not consulted: carriers
// answer "550 Unknown user" also where a reader's own filter refuses the sender.
var hardStatus = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.10"}

var actions = []string{"failed", "delayed", "delivered", "relayed", "expanded"}

// recipients reads the blocks of a delivery-status part. The first is of the message as a whole, if it is not run into the one that
// follows. Blocks that say too little are passed over if there is a whole one.
func recipients(blocks []fields) (found []BouncedRecipient, err error) {
	err = errors.New("the report has no recipient")
	for _, about := range byRecipient(blocks) {
		r, incomplete := recipient(about)
		if incomplete != nil {
			err = incomplete
			continue
		}
		if found = append(found, r); len(found) > maxRecipients {
			return nil, fmt.Errorf("the report has more than %d recipients", maxRecipients)
		}
	}
	if len(found) == 0 {
		return nil, err
	}
	return found, nil
}

// byRecipient groups fields by the recipient they are about. A blank line should part two recipients and nothing else; some
// servers write one behind every field, and others none.
func byRecipient(blocks []fields) (groups []fields) {
	var group fields
	next := func() {
		if group.address() != "" || group.get("action") != "" {
			groups = append(groups, group)
		}
		group = nil
	}
	for _, block := range blocks {
		if block.address() != "" && (group.address() != "" || group.get("action") != "" && block.get("action") != "") {
			next()
		}
		for _, f := range block {
			if f.name == "final-recipient" && group.get(f.name) != "" {
				next()
			}
			group = append(group, f)
		}
	}
	next()
	return groups
}

func (h fields) address() string {
	return cmp.Or(h.get("final-recipient"), h.get("original-recipient"))
}

func recipient(about fields) (BouncedRecipient, error) {
	more := about.get("x-supplementary-info") // Cisco's gateways put the refusing server's reply there
	r := BouncedRecipient{
		Original:   reportedAddress(about.get("original-recipient")),
		Action:     strings.ToLower(firstWord(about.get("action"))),
		Diagnostic: cmp.Or(afterType(about.get("diagnostic-code")), afterType(more)),
		RemoteMTA:  afterType(about.get("remote-mta")),
	}
	if r.Address = reportedAddress(about.get("final-recipient")); r.Address == "" {
		r.Address = r.Original
	}
	if r.Address == "" {
		return r, errors.New("the report does not tell the recipient's address (Final-Recipient)")
	}
	if !slices.Contains(actions, r.Action) {
		return r, fmt.Errorf("the report of %s has the Action %q, none of %s", printable(r.Address, 80), printable(r.Action, 40), strings.Join(actions, ", "))
	}
	r.Status = status(firstWord(about.get("status")), r.Diagnostic+" "+printable(more, maxText))
	r.Hard = r.Action == "failed" && slices.Contains(hardStatus, r.Status)
	return r, nil
}

// statusCode is a code of RFC 3463; in a diagnostic it stands behind a reply's code, perhaps in quotes, or behind a #.
var (
	statusCode   = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}$`)
	inDiagnostic = regexp.MustCompile(`(?:\b([245])\d\d[ -]+['"(<]?#?|(?:^|\W)#)([245]\.\d{1,3}\.\d{1,3})\b(\.\d)?`)
)

// status is the report's code, or the refusing server's own in the diagnostic where the report has but a general one: Exim's always
// are, and Exchange Online's 5.0.350 says that another server's reply follows. The first that is not general counts: what
// stands behind it is text.
func status(said, diagnostic string) string {
	if !statusCode.MatchString(said) {
		said = "5.0.0"
	}
	for _, found := range inDiagnostic.FindAllStringSubmatch(diagnostic, -1) {
		reply, own, isHost := found[1], found[2], found[3] != ""
		if !general(said) {
			break
		}
		consistent := !isHost && own[:1] == said[:1] && (reply == "" || reply == own[:1])
		if consistent && subject(own) != "0" && (subject(said) == "0" || subject(said) == subject(own)) {
			said = own
		}
	}
	return said
}

// general tells codes that say no more than their class (5.0.350) or their subject (5.1.0).
func general(code string) bool { return subject(code) == "0" || strings.HasSuffix(code, ".0") }

// subject is what a code is about: 1 of 5.1.0 is addresses.
func subject(code string) string {
	rest, _, _ := strings.Cut(code[2:], ".")
	return rest
}

// reportedAddress takes "rfc822; a@b" apart; the type may be missing, and the address in angle brackets.
func reportedAddress(field string) string {
	address := strings.Trim(afterType(field), "<> ")
	if len(address) > 254 || !strings.Contains(address, "@") {
		return ""
	}
	return address
}

// afterType is what stands behind "rfc822;", "dns;" or "smtp;", made printable.
func afterType(field string) string {
	kind, rest, ok := strings.Cut(field, ";")
	if !ok || strings.ContainsAny(strings.TrimSpace(kind), " @") {
		rest = field
	}
	return printable(rest, maxText)
}

// firstWord is a field's value without a comment behind it.
func firstWord(field string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(field), " ")
	return printable(word, 40)
}
