package main

import (
	"fmt"

	"github.com/moby/patternmatcher"
)

// newPattern reads a glob as BuildKit and Dagger do: `**` spans directories, `!` negates. What is in a directory that matches
// does not match for that.
func newPattern(pattern string) (func(rel string) bool, error) {
	m, err := patternmatcher.New([]string{pattern})
	if err == nil {
		// Some faults show only when the pattern is used.
		_, err = m.MatchesUsingParentResult("x", false)
	}
	if err != nil {
		return nil, fmt.Errorf("%w %s", err, pattern)
	}
	return func(rel string) bool {
		ok, err := m.MatchesUsingParentResult(rel, false)
		return err == nil && ok
	}, nil
}
