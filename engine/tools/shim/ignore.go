package main

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ignoreRule is one line of a .gitignore file.
type ignoreRule struct {
	negated, dirOnly, anchored bool
	match                      *regexp.Regexp
}

// ignoreFile is a .gitignore file; its rules are about what is below `dir` ("" for the root of the tree).
type ignoreFile struct {
	dir   string
	rules []ignoreRule
}

// parseIgnore reads a .gitignore file as git does, see gitignore(5). A pattern that is not well-formed matches nothing.
func parseIgnore(dir, text string) *ignoreFile {
	f := &ignoreFile{dir: dir}
	for _, line := range strings.Split(strings.TrimPrefix(text, "\uFEFF"), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.HasPrefix(line, "#") {
			continue
		}
		line = trimSpaces(line)
		var r ignoreRule
		line, r.negated = cutPrefix(line, "!")
		line, r.dirOnly = cutSuffix(line, "/")
		if line == "" {
			continue
		}
		r.anchored = strings.Contains(line, "/")
		source, ok := wildmatch(strings.TrimPrefix(line, "/"))
		if !ok {
			continue
		}
		match, err := regexp.Compile(source)
		if err != nil {
			continue
		}
		r.match = match
		f.rules = append(f.rules, r)
	}
	return f
}

func cutPrefix(s, prefix string) (string, bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	return rest, ok
}

func cutSuffix(s, suffix string) (string, bool) {
	rest, ok := strings.CutSuffix(s, suffix)
	return rest, ok
}

// trimSpaces drops spaces at the end, except one that a backslash stands before.
func trimSpaces(s string) string {
	t := strings.TrimRight(s, " ")
	if slashes := len(t) - len(strings.TrimRight(t, `\`)); slashes%2 == 1 && t != s {
		return t + " "
	}
	return t
}

// ignored decides about a path of the tree, given the files that hold there, nearest last.
func ignored(files []*ignoreFile, rel string, isDir bool) bool {
	for _, f := range slices.Backward(files) {
		below := strings.TrimPrefix(strings.TrimPrefix(rel, f.dir), "/")
		for _, r := range slices.Backward(f.rules) {
			if r.dirOnly && !isDir {
				continue
			}
			subject := below
			if !r.anchored {
				subject = path.Base(rel)
			}
			if r.match.MatchString(subject) {
				return !r.negated
			}
		}
	}
	return false
}

// gitignored lists what git would ignore in a tree, which need not be a repository: of an ignored directory only itself.
func gitignored(at, name string) ([]string, error) {
	if err := requireDir(at, name); err != nil {
		return nil, err
	}
	found := []string{}
	err := walkIgnoring(at, func(rel string, d fs.DirEntry, ignored bool) error {
		if ignored {
			found = append(found, shown(rel, d))
		}
		return nil
	})
	slices.Sort(found)
	return found, asAsked(err, name)
}

// walkIgnoring is walk that also tells what git ignores; ignored directories are not entered.
func walkIgnoring(at string, visit func(rel string, d fs.DirEntry, ignored bool) error) error {
	files := map[string][]*ignoreFile{}
	scope := func(dir string, above []*ignoreFile) {
		text, err := os.ReadFile(filepath.Join(at, dir, ".gitignore"))
		if err == nil {
			above = append(slices.Clip(above), parseIgnore(dir, string(text)))
		}
		files[dir] = above
	}
	scope("", nil)
	return walk(at, func(rel string, d fs.DirEntry) error {
		dir := path.Dir(rel)
		if dir == "." {
			dir = ""
		}
		ignore := ignored(files[dir], rel, d.IsDir())
		if err := visit(rel, d, ignore); err != nil {
			return err
		}
		if d.IsDir() {
			if ignore {
				return fs.SkipDir
			}
			scope(rel, files[dir])
		}
		return nil
	})
}

// wildmatch makes a regular expression of a git pattern.
func wildmatch(glob string) (string, bool) {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	runes := []rune(glob)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '?':
			b.WriteString(`[^/]`)
		case '\\':
			if i++; i == len(runes) {
				return "", false
			}
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		case '*':
			start := i
			for i+1 < len(runes) && runes[i+1] == '*' {
				i++
			}
			whole := i > start && (start == 0 || runes[start-1] == '/')
			switch {
			case whole && i+1 == len(runes):
				b.WriteString(`.*`)
			case whole && runes[i+1] == '/':
				b.WriteString(`(?:.*/)?`)
				i++
			default:
				b.WriteString(`[^/]*`)
			}
		case '[':
			class, next, ok := characterClass(runes, i)
			if !ok {
				return "", false
			}
			b.WriteString(class)
			i = next
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString(`$`)
	return b.String(), true
}

// characterClass translates the class that opens at `start`; `next` is where it closes. A `]` straight after the
// opening belongs to it, and no class matches a slash.
func characterClass(runes []rune, start int) (class string, next int, ok bool) {
	i := start + 1
	negated := i < len(runes) && (runes[i] == '!' || runes[i] == '^')
	if negated {
		i++
	}
	var b strings.Builder
	for first := true; i < len(runes); i, first = i+1, false {
		switch c := runes[i]; {
		case c == ']' && !first:
			if negated {
				return `[^/` + b.String() + `]`, i, true
			}
			return `[` + b.String() + `]`, i, true
		case c == '\\':
			if i++; i == len(runes) {
				return "", 0, false
			}
			b.WriteString(quoteInClass(runes[i]))
		case c == '[' && i+1 < len(runes) && runes[i+1] == ':':
			rest := string(runes[i:])
			end := strings.Index(rest, ":]")
			if end < 0 {
				return "", 0, false
			}
			b.WriteString(rest[:end+2])
			i += len([]rune(rest[:end+2])) - 1
		case c == '-':
			b.WriteByte('-')
		case c == '/':
			// never matched
		default:
			b.WriteString(quoteInClass(c))
		}
	}
	return "", 0, false
}

func quoteInClass(c rune) string {
	if strings.ContainsRune(`\[]^-`, c) {
		return `\` + string(c)
	}
	return string(c)
}
