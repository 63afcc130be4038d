package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const (
	srcDir     = "/.pyline/src"
	beforeDir  = "/.pyline/before"
	outDir     = "/.pyline/out"
	resultPath = "/.pyline/meta/result.json"
)

// querySpec asks one question about a tree; README.md describes the operations.
type querySpec struct {
	Op              string     `json:"op"`
	Path            string     `json:"path"`
	Before          string     `json:"beforePath"`
	Pattern         string     `json:"pattern"`
	Kind            string     `json:"kind"`
	ExcludeMetadata bool       `json:"excludeMetadata"`
	NoFollow        bool       `json:"noFollow"`
	Search          searchSpec `json:"search"`
	Src             string     `json:"src"`    // instead of /.pyline/src
	BeforeSrc       string     `json:"before"` // instead of /.pyline/before
	Out             string     `json:"out"`    // instead of /.pyline/out
	Result          string     `json:"result"` // instead of /.pyline/meta/result.json
}

// runQuery answers a question with one JSON document.
func runQuery(specFile string) int {
	var spec querySpec
	err := readSpec(specFile, &spec)
	if err == nil {
		var answer any
		if answer, err = query(&spec); err == nil {
			var data []byte
			if data, err = json.Marshal(answer); err == nil {
				err = os.WriteFile(orDefault(spec.Result, resultPath), append(data, '\n'), 0o644)
			}
		}
	}
	return endQuery(err)
}

func endQuery(err error) int {
	if err == nil {
		return 0
	}
	end(trailer{ExitCode: -1, Message: err.Error(), Query: true})
	return statusOther
}

func query(spec *querySpec) (any, error) {
	src := orDefault(spec.Src, srcDir)
	at, err := resolve(src, spec.Path, !spec.NoFollow)
	if err != nil {
		return nil, err
	}
	switch spec.Op {
	case "glob":
		return glob(at, spec.Path, spec.Pattern)
	case "digest":
		if spec.Kind == "file" {
			return fileDigest(at, spec.Path, spec.ExcludeMetadata)
		}
		return treeDigest(at, spec.Path)
	case "entries":
		return entries(at, spec.Path)
	case "stat":
		return stat(at, spec.Path)
	case "exists":
		_, err := os.Lstat(at)
		return err == nil, nil
	case "changes":
		before, err := resolve(orDefault(spec.BeforeSrc, beforeDir), spec.Before, true)
		if err != nil {
			return nil, err
		}
		return compareTrees(before, at)
	case "gitignored":
		return gitignored(at, spec.Path)
	case "search":
		return search(at, spec.Path, &spec.Search)
	default:
		return nil, fmt.Errorf("unknown query %q", spec.Op)
	}
}

// resolve finds a path of a tree on this side of the mount. Links are followed as if the tree were the root file system.
// What is missing is not an error here.
func resolve(root, name string, follow bool) (string, error) {
	todo := split(name)
	at := "/"
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		if !follow && len(todo) == 0 {
			return filepath.Join(root, next), nil
		}
		target, err := os.Readlink(filepath.Join(root, next))
		if err != nil {
			at = next
			continue
		}
		if links++; links > 40 {
			return "", &os.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
		}
		if path.IsAbs(target) {
			at = "/"
		}
		todo = append(split(target), todo...)
	}
	return filepath.Join(root, at), nil
}

func split(p string) []string {
	return slices.DeleteFunc(strings.Split(p, "/"), func(s string) bool { return s == "" || s == "." })
}

// asAsked puts the path that was asked for in the place of the one that was looked at.
func asAsked(err error, name string) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return &os.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

// requireDir fails unless `at` is a directory.
func requireDir(at, name string) error {
	st, err := os.Stat(at)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: errors.Unwrap(err)}
	}
	if !st.IsDir() {
		return &os.PathError{Op: "open", Path: name, Err: syscall.ENOTDIR}
	}
	return nil
}

// walk visits everything below a directory, by name, without following links. `rel` has no leading slash.
func walk(at string, visit func(rel string, d fs.DirEntry) error) error {
	return filepath.WalkDir(at, func(file string, d fs.DirEntry, err error) error {
		if err != nil || file == at {
			return err
		}
		return visit(file[len(at)+1:], d)
	})
}

// shown is how a path is written in answers: directories end in a slash.
func shown(rel string, d fs.DirEntry) string {
	if d.IsDir() {
		return rel + "/"
	}
	return rel
}

func glob(at, name, pattern string) ([]string, error) {
	match, err := newPattern(pattern)
	if err != nil {
		return nil, err
	}
	if err := requireDir(at, name); err != nil {
		return nil, err
	}
	found := []string{}
	err = walk(at, func(rel string, d fs.DirEntry) error {
		if match(rel) {
			found = append(found, shown(rel, d))
		}
		return nil
	})
	slices.Sort(found)
	return found, asAsked(err, name)
}

func entries(at, name string) ([]string, error) {
	list, err := os.ReadDir(at)
	if err != nil {
		return nil, asAsked(err, name)
	}
	names := []string{}
	for _, d := range list {
		names = append(names, shown(d.Name(), d))
	}
	slices.Sort(names)
	return names, nil
}

// fileStat is the answer to `stat`, in the bridge's words.
type fileStat struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Mode    uint32 `json:"mode"`
	Size    int64  `json:"size"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	MtimeNs int64  `json:"mtimeNs"`
	Link    string `json:"link,omitempty"`
}

func stat(at, name string) (*fileStat, error) {
	st, err := os.Lstat(at)
	if err != nil {
		return nil, asAsked(err, name)
	}
	sys := st.Sys().(*syscall.Stat_t)
	s := &fileStat{Name: path.Base(path.Clean("/" + name)), Type: kindOf(st.Mode()), Mode: sys.Mode & 0o7777, Size: st.Size(), UID: sys.Uid, GID: sys.Gid, MtimeNs: st.ModTime().UnixNano()}
	if s.Type == "symlink" {
		s.Link, err = os.Readlink(at)
	}
	return s, err
}

func kindOf(m fs.FileMode) string {
	switch m.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "dir"
	case fs.ModeSymlink:
		return "symlink"
	case fs.ModeNamedPipe:
		return "fifo"
	case fs.ModeSocket:
		return "socket"
	case fs.ModeDevice | fs.ModeCharDevice:
		return "char"
	default:
		return "block"
	}
}
