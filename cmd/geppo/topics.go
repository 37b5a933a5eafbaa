package main

import (
	"embed"

	"github.com/spf13/cobra"
)

//go:embed help
var helpTexts embed.FS

// topics are read by geppo help TOPIC; in man pages they are of section 7.
var topics = []struct{ name, short string }{
	{"operating", "A month's end, day by day"},
	{"correcting", "A month that went wrong, put right"},
	{"運用", "運用の手引き: 取り込みからサポートデスクの対応まで"},
	{"bounces", "What comes back, and how geppo gets it"},
	{"console", "Pages for operators and the support desk, and who may use them"},
	{"formats", "What becomes of vendors' files"},
	{"upgrading", "To a newer geppo, and back"},
	{"restoring", "From a backup, and without duplicates"},
	{"postgresql", "On PostgreSQL, and by many machines"},
}

// topicCommands are commands that run nothing: cobra lists them as help topics.
func topicCommands() (list []*cobra.Command) {
	for _, topic := range topics {
		text, err := helpTexts.ReadFile("help/" + topic.name + ".txt")
		if err != nil {
			text = []byte(err.Error()) // embedded: the test of the topics would have seen it
		}
		list = append(list, &cobra.Command{Use: topic.name, Short: topic.short, Long: string(text)})
	}
	return list
}

// addHelp gives root what every command line tool has, with examples as all our commands have them.
func (a *app) addHelp(root *cobra.Command) {
	root.AddCommand(topicCommands()...)
	root.AddCommand(a.completionCommand(root), a.manCommand(root))
	root.InitDefaultHelpCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "help" {
			cmd.Example = "  geppo help resend\n  geppo help operating"
			cmd.Run, cmd.RunE = nil, helpOf
		}
	}
}

// helpOf shows what is asked for; cobra would show everything, and call that done, where it knows no such command.
func helpOf(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return commandIsNamed(help.Root(), args)
	}
	return cmd.Help()
}

func (a *app) completionCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write a shell's completion script to standard output",
		Example: `  geppo completion bash > /etc/bash_completion.d/geppo
  geppo completion zsh > "${fpath[1]}/_geppo"
  geppo completion fish > ~/.config/fish/completions/geppo.fish`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: a.do(func(_ *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			default:
				return root.GenFishCompletion(a.stdout, true)
			}
		}),
	}
}
