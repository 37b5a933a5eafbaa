package notify

import "strings"

// What Slack, and what speaks like it, takes (incoming webhooks; Block Kit): text is what a notification on a phone shows.
// A plain_text block is shown as it is: nothing in a name or a reason is obeyed, no <!channel>, no link.
type slackMessage struct {
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Emoji bool   `json:"emoji"`
}

// slackHeader is the most that a header block takes.
const slackHeader = 150

func slackBody(n Notice) slackMessage {
	title := []rune(n.Title)
	blocks := []slackBlock{{"header", slackText{Type: "plain_text", Text: string(title[:min(len(title), slackHeader)])}}}
	if text := strings.TrimSpace(n.Text); text != "" { // an empty block is refused
		blocks = append(blocks, slackBlock{"section", slackText{Type: "plain_text", Text: text}})
	}
	return slackMessage{slackEscape.Replace(n.Title), blocks}
}

// slackEscape is what text, which is marked up, wants for its three control characters.
var slackEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// What a Teams workflow takes ("When a Teams webhook request is received"): a message with one Adaptive Card.
type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsCard struct {
	Schema  string      `json:"$schema"`
	Type    string      `json:"type"`
	Version string      `json:"version"`
	Body    []teamsText `json:"body"`
}

// teamsText is a TextBlock; wrap, or all but the first line is cut off.
type teamsText struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Wrap   bool   `json:"wrap"`
}

func teamsBody(n Notice) teamsMessage {
	body := []teamsText{{Type: "TextBlock", Text: teamsEscape.Replace(n.Title), Weight: "Bolder", Size: "Medium", Wrap: true}}
	for line := range strings.Lines(n.Text) {
		if line = strings.TrimSpace(line); line != "" {
			body = append(body, teamsText{Type: "TextBlock", Text: teamsEscape.Replace(line), Wrap: true})
		}
	}
	return teamsMessage{"message", []teamsAttachment{{
		"application/vnd.microsoft.card.adaptive",
		teamsCard{"http://adaptivecards.io/schemas/adaptive-card.json", "AdaptiveCard", "1.4", body},
	}}}
}

// teamsEscape takes from a text what a TextBlock reads as Markdown: a link in a reply is not ours.
var teamsEscape = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "*", `\*`, "_", `\_`, "`", "\\`")
