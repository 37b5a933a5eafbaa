package main

import (
	"errors"

	"geppo/cmd/internal/config"
)

var errUnbuilt = errors.New("no part of this geppo heeds it yet; leave it out")

// unbuilt are keys that the configuration knows and no part heeds yet. That an approval is asked for must not be
// ignored in silence: whoever builds a part takes its line out.
var unbuilt = []config.Check{
}

func unless(unset func(config.Config) bool) func(config.Config) error {
	return func(c config.Config) error {
		if unset(c) {
			return nil
		}
		return errUnbuilt
	}
}
