package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// execSpec says what `shim exec` runs; README.md describes each field.
type execSpec struct {
	Args           []string  `json:"args"`
	User           string    `json:"user"`
	KeepHome       bool      `json:"keepHome"`
	Workdir        string    `json:"workdir"`
	Stdin          string    `json:"stdin"`
	RedirectStdin  string    `json:"redirectStdin"`
	RedirectStdout string    `json:"redirectStdout"`
	RedirectStderr string    `json:"redirectStderr"`
	Expect         string    `json:"expect"`
	ScrubEnv       []string  `json:"scrubEnv"`
	ScrubFiles     []string  `json:"scrubFiles"`
	ScrubEncoded   bool      `json:"scrubEncoded"`
	RemoveEnv      []string  `json:"removeEnv"`
	Meta           string    `json:"meta"`
	Forward        int64     `json:"forward"`
	Prepare        []prepare `json:"prepare"`
	Ready          *ready    `json:"ready"`
}

func readSpec(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
