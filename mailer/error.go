package mailer

import (
	"fmt"
	"slices"
	"strings"
)

// Stage is where an attempt to deliver ended.
type Stage string

// The stages in their order. EHLO and the greeting belong to connect, RSET to mail; what goes wrong
// while the body is written is of stage data, everything from the final dot on of stage dot.
const (
	StageCompose Stage = "compose"
	StageConnect Stage = "connect"
	StageTLS     Stage = "tls"
	StageAuth    Stage = "auth"
	StageMail    Stage = "mail"
	StageRcpt    Stage = "rcpt"
	StageData    Stage = "data"
	StageDot     Stage = "dot"
)

// Verdict is what a failed attempt means for the message.
type Verdict string

// Each failure gets exactly one verdict. The caller acts on the verdict alone; stage and reply are for the
// ledger and for people. The policy:
//
// Before the final dot nothing can have been accepted, so whatever is lost there – dial, name lookup,
// time-out, a cut, a garbled reply, any trouble with TLS – is Temporary. So is every 4xx, at every stage.
// A certificate that does not verify and a relay that stopped offering STARTTLS count as trouble with TLS:
// they are mended by the relay more often than by us, and as every delivery meets them the caller
// sees a row of failed connections and stops on its own.
//
// A 5xx is judged by whom it is about. RCPT, DATA and the dot are the first to show the relay this recipient and
// this message: there it is Permanent. The greeting, EHLO, AUTH and MAIL show it only
// ourselves, our login and our one envelope sender: there it is Setup, with or without a 5.7.x code, because the
// next delivery would meet the same and a month's run must not be burnt on one wrong setting. The codes of
// RFC 4954 that ask for a (better) login – 530, 534, 535, 538 – are Setup wherever they come, and so are refusals
// that are known to be told of one message and meant for all: of the sender, of relaying, of our network, of a quota.
// The exception is a message above the relay's size limit, which is TooLarge whether the limit was announced
// (SIZE), or told at MAIL (552), or by 5.3.4 anywhere: another message may fit.
//
// Once the first byte of the dot may have left us, only the relay's reply tells what happened. No reply, half
// a reply, or one that is neither 2xx nor 4xx nor 5xx is Ambiguous: the relay may have the message or not.
// 2xx is success, whatever happens to the connection afterwards.
const (
	Temporary Verdict = "temporary" // try again later
	Permanent Verdict = "permanent" // this message will never be accepted for this recipient
	Ambiguous Verdict = "ambiguous" // it may have been accepted
	Setup     Verdict = "setup"     // our settings or our login are wrong: every message would fail
	TooLarge  Verdict = "too_large" // above the relay's size limit
)

// Reply is what the relay answered.
type Reply struct {
	Code     int    // 250; 0: it did not answer
	Enhanced string // "2.0.0" (RFC 3463), empty if the relay gives none
	Text     string // printable, one line, at most 1 KB, without the codes
	TLS      string // "TLS 1.3"; "TLS 1.3 (unverified)"; empty on a plain connection
}

// String is the reply as a relay would write it on one line; empty for no reply.
func (r Reply) String() string {
	if r.Code == 0 {
		return ""
	}
	return strings.Join(strings.Fields(fmt.Sprint(r.Code, " ", r.Enhanced, " ", r.Text)), " ")
}

// Error is a failed attempt. Every error of Compose, Connect and Send is one.
type Error struct {
	Stage   Stage
	Verdict Verdict
	Reply   Reply // its Code is 0 if the relay did not answer
	// Anew says that the connection may be to blame and not the message: it had carried others and was closed or got a
	// 4xx, or its commands were swallowed. Another one may be tried at once, and this try need not count.
	Anew bool
	Err  error // what went wrong on our side of the wire; nil if the reply says it all
}

// Error is one printable line: stage, what happened, verdict.
func (e *Error) Error() string {
	what := e.Reply.String()
	if e.Err != nil && what == "" {
		what = printable(e.Err.Error(), maxText)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Stage, what, e.Verdict)
}

func (e *Error) Unwrap() error { return e.Err }

// judge gives the verdict on a reply of 4xx or 5xx, by the policy above.
func judge(stage Stage, r Reply) Verdict {
	switch {
	case r.Code/100 != 5 || stage == StageTLS:
		return Temporary
	case r.Code == 530, r.Code == 534, r.Code == 535, r.Code == 538:
		return Setup
	case r.Enhanced == "5.3.4", stage == StageMail && r.Code == 552:
		return TooLarge
	case stage != StageRcpt && stage != StageData && stage != StageDot, meantForAll(r):
		return Setup
	default:
		return Permanent
	}
}

// meantForAll knows refusals that every message would meet, as mail services word them.
func meantForAll(r Reply) bool {
	text := strings.ToLower(r.Text)
	return slices.Contains(codesForAll, r.Enhanced) ||
		slices.ContainsFunc(wordsForAll, func(words string) bool { return strings.Contains(text, words) })
}

var (
	codesForAll = []string{
		"5.1.8",             // bad sender's system address; Microsoft 365: a banned outbound sender
		"5.4.5",             // Gmail: daily limit of the account
		"5.2.252", "5.7.60", // SendAsDenied
		"5.7.57", "5.7.64", // Microsoft 365: not authenticated, no connector for this tenant
		"5.7.501", "5.7.502", "5.7.503", // Microsoft 365: access denied to this sender
		"5.7.705", "5.7.708", "5.7.750", // Microsoft 365: tenant's quota, its network, its domain
	}
	wordsForAll = []string{
		"relay access denied", "relaying denied", "relay not permitted", "not permitted to relay", "unable to relay", "relaying not allowed",
		"sendasdenied", "submissionquotaexceeded", "sending limit", "sending quota", "outgoing messages was exceeded",
		"sending paused", "email address is not verified", // Amazon SES
	}
)

// NoMailbox tells a refusal that says there is no such mailbox: the address is of no more use.
func (r Reply) NoMailbox() bool {
	return r.Code/100 == 5 && slices.Contains([]string{"5.1.1", "5.1.2", "5.1.3", "5.1.10"}, r.Enhanced)
}
