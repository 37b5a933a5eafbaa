package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func (a *app) manCommand(root *cobra.Command) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "man --dir DIR", Short: "Write the man pages", Hidden: true,
		Long:    "Writes a man page for each command (section 1) and help topic (section 7), from the texts that --help shows.",
		Example: "  geppo man --dir /usr/local/share/man",
		Args:    cobra.NoArgs,
		RunE: a.do(func(*cobra.Command, []string) error {
			return writeManPages(root, dir)
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` to write man1 and man7 into")
	if err := cmd.MarkFlagRequired("dir"); err != nil {
		cmd.Long = err.Error() // the flag is named above
	}
	return cmd
}

func writeManPages(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	date := builtAt()
	header := func(section string) *doc.GenManHeader {
		return &doc.GenManHeader{Section: section, Date: &date, Source: "geppo " + version, Manual: "geppo"}
	}
	for _, section := range []string{"man1", "man7"} {
		if err := os.MkdirAll(filepath.Join(dir, section), 0o755); err != nil { //nolint:gosec // G301: man pages are for everybody
			return err
		}
	}
	if err := doc.GenManTree(root, header("1"), filepath.Join(dir, "man1")); err != nil {
		return err
	}
	for _, topic := range root.Commands() {
		if !topic.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writeTopicPage(topic, header("7"), filepath.Join(dir, "man7")); err != nil {
			return err
		}
	}
	return nil
}

// writeTopicPage writes a topic as a page of its own, its text as it is laid out.
func writeTopicPage(topic *cobra.Command, header *doc.GenManHeader, dir string) error {
	page := &cobra.Command{
		Use: "geppo-" + topic.Name(), Short: topic.Short, Long: "```\n" + topic.Long + "```",
		DisableAutoGenTag: true, DisableFlagsInUseLine: true,
	}
	page.Flags().Bool("help", false, "") // or the page would tell of it
	if err := page.Flags().MarkHidden("help"); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, page.Name()+".7"))
	if err != nil {
		return err
	}
	return errors.Join(doc.GenMan(page, header, file), file.Close())
}

// builtAt dates the pages by the commit they were made from, so that equal sources give equal bytes.
func builtAt() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key != "vcs.time" {
				continue
			}
			if at, err := time.Parse(time.RFC3339, setting.Value); err == nil {
				return at
			}
		}
	}
	return time.Unix(0, 0).UTC() // a build that does not know its commit
}
