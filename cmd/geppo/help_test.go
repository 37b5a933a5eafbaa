package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// everyCommand walks the commands, help topics left out.
func everyCommand(root *cobra.Command, visit func(*cobra.Command)) {
	visit(root)
	for _, cmd := range root.Commands() {
		if !cmd.IsAdditionalHelpTopicCommand() {
			everyCommand(cmd, visit)
		}
	}
}

func newRoot() *cobra.Command {
	return (&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}).command()
}

func TestEveryCommandHasAnExampleThatCanBeTyped(t *testing.T) {
	seen := 0
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		seen++
		if cmd.Short == "" || cmd.HasParent() && cmd.Example == "" {
			t.Errorf("%s has no description or no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			typed(t, cmd.CommandPath(), line)
		}
	})
	if seen < 25 {
		t.Errorf("only %d commands found", seen)
	}
}

func TestTopicsNameCommandsThatCanBeTyped(t *testing.T) {
	for _, topic := range topics {
		code, text, stderr := runGeppo(t, "help", topic.name)
		if code != exitDone || stderr != "" || !strings.Contains(text, "\n  geppo ") {
			t.Fatalf("geppo help %s: exit %d, %q, %q", topic.name, code, text, stderr)
		}
		for line := range strings.Lines(text) {
			if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > 90 {
				t.Errorf("%s: %d columns: %s", topic.name, width, line)
			}
			typed(t, topic.name, line)
		}
	}
}

// commandWords are a command line up to a comment: two spaces, a redirection or another command.
var commandWords = regexp.MustCompile(`geppo(( [^ <|>&;]+)+)`)

// typed makes sure that a geppo command in a text is one: that command, its flags, its number of arguments.
func typed(t *testing.T, where, line string) {
	t.Helper()
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "geppo ") {
		return
	}
	command := commandWords.FindStringSubmatch(line)[1]
	command = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(strings.ReplaceAll(command, "\u00a0", " "), "quoted")
	args := strings.Fields(command)
	root := newRoot()
	root.SetArgs(args)
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root && args[0] != "-c" && args[0] != "--db" {
		t.Errorf("%s: %q is no command: %v", where, line, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: %q: %v", where, line, err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: %q: %v", where, line, err)
	}
}

// TestAdviceNamesCommandsThatExist looks at what alerts and the unit tell an operator to type.
func TestAdviceNamesCommandsThatExist(t *testing.T) {
	mention := regexp.MustCompile(`\bgeppo ([a-z]+(?:-[a-z]+)*)((?: --[a-z-]+| held| deferred| queued| YYYY-MM)*)`)
	prose := map[string]bool{"on": true, "and": true, "is": true}
	found := 0
	for _, file := range []string{"dist/alerts.yml", "dist/geppo.service"} {
		for _, match := range mention.FindAllStringSubmatch(readFile(t, file), -1) {
			if prose[match[1]] {
				continue
			}
			found++
			cmd, _, err := newRoot().Find([]string{match[1]})
			if err != nil {
				t.Errorf("%s: %q is no command: %v", file, match[0], err)
				continue
			}
			for word := range strings.FieldsSeq(match[2]) {
				if name, isFlag := strings.CutPrefix(word, "--"); isFlag && cmd.Flags().Lookup(name) == nil {
					t.Errorf("%s: %q: there is no %s", file, match[0], word)
				}
			}
		}
	}
	for _, alert := range strings.Split(readFile(t, "dist/alerts.yml"), "- alert: ")[1:] {
		_, advice, _ := strings.Cut(alert, "description:")
		if !strings.Contains(advice, "geppo ") && !strings.Contains(advice, "systemctl ") {
			t.Errorf("%s does not say what to do", strings.Fields(alert)[0])
		}
	}
	if found < 15 {
		t.Errorf("only %d mentions found", found)
	}
}

func TestManPages(t *testing.T) {
	dir, again := t.TempDir(), t.TempDir()
	for _, to := range []string{dir, again} {
		if code, stdout, stderr := runGeppo(t, "man", "--dir", to); code != exitDone || stdout+stderr != "" {
			t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
		}
	}
	want := []string{".", "man1", "man7"}
	for _, topic := range topics {
		want = append(want, "man7/geppo-"+topic.name+".7")
	}
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		if cmd.IsAvailableCommand() || !cmd.HasParent() {
			want = append(want, "man1/"+strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
		}
	})
	got := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		got[name] = true
		if !entry.IsDir() && !bytes.Equal([]byte(readFile(t, path)), []byte(readFile(t, filepath.Join(again, name)))) {
			t.Errorf("%s differs from one time to the next", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range want {
		if !got[name] {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	if diff := cmp.Diff(map[string]bool{}, got); diff != "" {
		t.Errorf("pages of nothing:\n%s", diff)
	}
	man := tool(t, "man", "man-db")
	for page, text := range map[string]string{
		"man1/geppo-prune.1": "--dry-run", "man7/geppo-restoring.7": "  geppo check --no-smtp --integrity\n",
	} {
		out := succeeds(t, "", man, "--warnings", "-E", "UTF-8", "-l", filepath.Join(dir, page))
		if !strings.Contains(regexp.MustCompile(".\b").ReplaceAllString(out, ""), text) {
			t.Errorf("%s does not show %q:\n%s", page, text, out)
		}
	}
	if code, _, stderr := runGeppo(t, "man"); code != exitUsage || !strings.Contains(stderr, "dir") {
		t.Errorf("without --dir: exit %d, %q", code, stderr)
	}
}

func TestCompletions(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, stderr := runGeppo(t, "completion", shell)
		if code != exitDone || stderr != "" || !strings.Contains(script, "geppo __complete") && !strings.Contains(script, "__complete") {
			t.Errorf("%s: exit %d, %q", shell, code, stderr)
			continue
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is missing: its script was not parsed", shell)
			continue
		}
		file := filepath.Join(t.TempDir(), "completion")
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		succeeds(t, "", path, "-n", file)
	}
	if code, _, _ := runGeppo(t, "completion", "tcsh"); code != exitUsage {
		t.Errorf("tcsh: exit %d", code)
	}
	for typed, want := range map[string]string{"res": "resend\t", "comp": "completion\t", "oper": ""} {
		var out, errs buffer
		if code := run(context.Background(), []string{"__complete", typed}, nil, &out, &errs); code != exitDone || !strings.Contains(out.String(), want) {
			t.Errorf("completing %q: exit %d, %q", typed, code, out.String())
		}
	}
}
