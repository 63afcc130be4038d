package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// searchSpec is a search for text, in the words of Dagger's Directory.search.
type searchSpec struct {
	Pattern     string   `json:"pattern"`
	Paths       []string `json:"paths"`
	Globs       []string `json:"globs"`
	Literal     bool     `json:"literal"`
	Multiline   bool     `json:"multiline"`
	Dotall      bool     `json:"dotall"`
	Insensitive bool     `json:"insensitive"`
	SkipIgnored bool     `json:"skipIgnored"`
	SkipHidden  bool     `json:"skipHidden"`
	FilesOnly   bool     `json:"filesOnly"`
	Limit       int      `json:"limit"`
}

type searchResult struct {
	FilePath       string     `json:"filePath"`
	LineNumber     int        `json:"lineNumber"`
	AbsoluteOffset int        `json:"absoluteOffset"`
	MatchedLines   string     `json:"matchedLines"`
	Submatches     []submatch `json:"submatches"`
}

type submatch struct {
	Text  string `json:"text"`
	Start int    `json:"start"`
	End   int    `json:"end"`
}

// maxSearched is the size from which files are not searched: they are read as a whole.
const maxSearched = 256 << 20

// search looks through the files of a tree. Binary files (those with a NUL byte) are left out, as ripgrep does.
func search(at, name string, spec *searchSpec) ([]searchResult, error) {
	if err := requireDir(at, name); err != nil {
		return nil, err
	}
	source := spec.Pattern
	if spec.Literal {
		source = regexp.QuoteMeta(source)
	}
	flags := "m"
	if spec.Insensitive {
		flags += "i"
	}
	if spec.Dotall && spec.Multiline {
		flags += "s"
	}
	re, err := regexp.Compile("(?" + flags + ":" + source + ")")
	if err != nil {
		return nil, fmt.Errorf("regex parse error: %w", err)
	}
	match, err := searchGlobs(spec.Globs)
	if err != nil {
		return nil, err
	}
	results := []searchResult{}
	full := func() bool { return spec.Limit > 0 && len(results) >= spec.Limit }
	each := func(rel string, d fs.DirEntry, ignored bool) error {
		if full() {
			return fs.SkipAll
		}
		if ignored || (spec.SkipHidden && strings.HasPrefix(path.Base(rel), ".")) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !within(rel, spec.Paths) || !match(rel) {
			return nil
		}
		st, err := d.Info()
		if err != nil || st.Size() > maxSearched {
			return err
		}
		data, err := os.ReadFile(filepath.Join(at, rel))
		if err != nil {
			return err
		}
		results = append(results, searchFile(rel, data, re, spec)...)
		return nil
	}
	if spec.SkipIgnored {
		err = walkIgnoring(at, each)
	} else {
		err = walk(at, func(rel string, d fs.DirEntry) error { return each(rel, d, false) })
	}
	if full() {
		results = results[:spec.Limit]
	}
	return results, asAsked(err, name)
}

func within(rel string, paths []string) bool {
	return len(paths) == 0 || slices.ContainsFunc(paths, func(p string) bool {
		p = strings.Trim(path.Clean("/"+p), "/")
		return p == "" || rel == p || strings.HasPrefix(rel, p+"/")
	})
}

// searchGlobs: like ripgrep's --glob, which are git patterns: one without a slash is about names; `!` excludes.
func searchGlobs(globs []string) (func(rel string) bool, error) {
	if len(globs) == 0 {
		return func(string) bool { return true }, nil
	}
	rules := parseIgnore("", strings.Join(globs, "\n"))
	positive := slices.ContainsFunc(rules.rules, func(r ignoreRule) bool { return !r.negated })
	return func(rel string) bool {
		for at, isDir := rel, false; ; at, isDir = path.Dir(at), true {
			for _, r := range slices.Backward(rules.rules) {
				subject := at
				if !r.anchored {
					subject = path.Base(at)
				}
				if (!r.dirOnly || isDir) && r.match.MatchString(subject) {
					return !r.negated
				}
			}
			if path.Dir(at) == "." {
				return !positive
			}
		}
	}, nil
}

// searchFile tells the lines with a match, or with filesOnly that there is one.
func searchFile(rel string, data []byte, re *regexp.Regexp, spec *searchSpec) []searchResult {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil
	}
	var results []searchResult
	lineStart, lineNumber := 0, 1
	for lineStart < len(data) {
		var spans [][]int
		lineEnd := 0
		if spec.Multiline {
			first := re.FindIndex(data[lineStart:])
			if first == nil {
				break
			}
			first[0], first[1] = first[0]+lineStart, first[1]+lineStart
			for n := bytes.IndexByte(data[lineStart:first[0]], '\n'); n >= 0; n = bytes.IndexByte(data[lineStart:first[0]], '\n') {
				lineStart += n + 1
				lineNumber++
			}
			lineEnd = endOfLine(data, max(first[1]-1, first[0]))
			spans = [][]int{{first[0] - lineStart, first[1] - lineStart}}
		} else {
			lineEnd = endOfLine(data, lineStart)
			spans = re.FindAllIndex(bytes.TrimSuffix(data[lineStart:lineEnd], []byte("\n")), -1)
		}
		if len(spans) > 0 {
			if spec.FilesOnly {
				return []searchResult{{FilePath: rel, Submatches: []submatch{}}}
			}
			r := searchResult{FilePath: rel, LineNumber: lineNumber, AbsoluteOffset: lineStart, MatchedLines: string(data[lineStart:lineEnd]), Submatches: []submatch{}}
			for _, s := range spans {
				r.Submatches = append(r.Submatches, submatch{Text: string(data[lineStart+s[0] : lineStart+s[1]]), Start: s[0], End: s[1]})
			}
			results = append(results, r)
		}
		lineNumber += bytes.Count(data[lineStart:lineEnd], []byte("\n"))
		lineStart = lineEnd
	}
	return results
}

func endOfLine(data []byte, from int) int {
	if n := bytes.IndexByte(data[from:], '\n'); n >= 0 {
		return from + n + 1
	}
	return len(data)
}
