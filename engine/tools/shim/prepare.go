package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// prepare is what is done to a path before the command runs: mount points that BuildKit cannot give a mode or an owner, working
// directories that the user is to own.
type prepare struct {
	Path  string  `json:"path"`
	Mkdir bool    `json:"mkdir"`
	Mode  *uint32 `json:"mode"`
	Owner string  `json:"owner"`
}

func prepareAll(list []prepare) error {
	for _, p := range list {
		if err := p.do(); err != nil {
			return err
		}
	}
	return nil
}

// noDirError says that a directory could not be made: the command cannot be run, as if it were not there.
type noDirError struct{ error }

func (p *prepare) do() error {
	var made []string
	if p.Mkdir {
		var err error
		if made, err = makeDirs(p.Path); err != nil {
			return &noDirError{err}
		}
	} else {
		made = []string{p.Path}
	}
	for _, path := range made {
		if p.Owner != "" {
			owner := p.Owner
			if _, numeric, _ := numericID(owner); numeric {
				owner += ":" + owner // an owner that is only a number is the group too, unlike a user to run as
			}
			who, err := lookupUser(owner, "/etc/passwd", "/etc/group")
			if err != nil {
				return err
			}
			if err := os.Chown(path, int(who.uid), int(who.gid)); err != nil {
				return err
			}
		}
		if p.Mode != nil {
			if err := syscall.Chmod(path, *p.Mode&0o7777); err != nil {
				return &os.PathError{Op: "chmod", Path: path, Err: err}
			}
		}
	}
	return nil
}

// makeDirs makes a directory and those above it, and tells which it made.
func makeDirs(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err == nil {
		if !st.IsDir() {
			return nil, &os.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
		}
		return nil, nil
	}
	if filepath.Dir(path) == path {
		return nil, fmt.Errorf("mkdir %s: %w", path, err)
	}
	made, err := makeDirs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, err
	}
	return append(made, path), nil
}
