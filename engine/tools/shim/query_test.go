package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree makes files; a name that ends in a slash is a directory, a text that begins with "-> " a link.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func ask(t *testing.T, spec querySpec) string {
	t.Helper()
	answer, err := query(&spec)
	if err != nil {
		return err.Error()
	}
	data, _ := json.Marshal(answer)
	return strings.ReplaceAll(string(data), `"`, "")
}

func TestGlob(t *testing.T) {
	src := tree(t, map[string]string{".dot": "", "a.py": "", "b.txt": "", "src/a.py": "", "src/b.txt": "", "src/deep/c.py": "", "src-x": "", "void/": "", "todir": "-> src", "abs": "-> /src"})
	for pattern, want := range map[string]string{
		"*":         "[.dot,a.py,abs,b.txt,src-x,src/,todir,void/]",
		"**":        "[.dot,a.py,abs,b.txt,src-x,src/,src/a.py,src/b.txt,src/deep/,src/deep/c.py,todir,void/]",
		"**/*.py":   "[a.py,src/a.py,src/deep/c.py]",
		"*.py":      "[a.py]",
		"src":       "[src/]",
		"src/":      "[src/]",
		"src/*":     "[src/a.py,src/b.txt,src/deep/]",
		"{a,b}.*":   "[]",
		"[ab].txt":  "[b.txt]",
		"/a.py":     "[]",
		"./a.py":    "[a.py]",
		"nope*":     "[]",
		"[a":        "syntax error in pattern [a",
		"src/**":    "[src/a.py,src/b.txt,src/deep/,src/deep/c.py]",
		"**/deep/*": "[src/deep/c.py]",
	} {
		if got := ask(t, querySpec{Op: "glob", Pattern: pattern, Src: src}); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
	for path, want := range map[string]string{
		"/src/deep": "[c.py]", "todir/deep": "[c.py]", "abs/deep": "[c.py]", "../../src/deep/.": "[c.py]",
		"/nope": "open /nope: no such file or directory", "/a.py": "open /a.py: not a directory",
	} {
		if got := ask(t, querySpec{Op: "glob", Pattern: "*", Path: path, Src: src}); got != want {
			t.Errorf("in %s: %s, want %s", path, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	files := map[string]string{"a": "1", "b/c": "2", "l": "-> a"}
	digest := func(change func(root string), path string) string {
		root := tree(t, files)
		if change != nil {
			change(root)
		}
		return ask(t, querySpec{Op: "digest", Path: path, Src: root})
	}
	same := digest(nil, "/")
	if len(same) != 71 {
		t.Fatal(same)
	}
	for name, change := range map[string]func(string){
		"times":         func(r string) { os.Chtimes(filepath.Join(r, "a"), time.Unix(1, 0), time.Unix(1, 0)) },
		"the root":      func(r string) { os.Chmod(r, 0o700) },
		"a new and old": func(r string) { os.WriteFile(filepath.Join(r, "n"), nil, 0o600); os.Remove(filepath.Join(r, "n")) },
	} {
		if digest(change, "/") != same {
			t.Errorf("%s should not count", name)
		}
	}
	for name, change := range map[string]func(string){
		"contents":  func(r string) { os.WriteFile(filepath.Join(r, "a"), []byte("9"), 0o644) },
		"a mode":    func(r string) { os.Chmod(filepath.Join(r, "a"), 0o755) },
		"a name":    func(r string) { os.Rename(filepath.Join(r, "a"), filepath.Join(r, "A")) },
		"a link":    func(r string) { os.Remove(filepath.Join(r, "l")); os.Symlink("b", filepath.Join(r, "l")) },
		"an empty":  func(r string) { os.Mkdir(filepath.Join(r, "empty"), 0o755) },
		"the place": func(r string) { os.Rename(filepath.Join(r, "b", "c"), filepath.Join(r, "c")) },
	} {
		if digest(change, "/") == same {
			t.Errorf("%s should count", name)
		}
	}
	sub := ask(t, querySpec{Op: "digest", Src: tree(t, map[string]string{"c": "2"})})
	if digest(nil, "/b") != sub {
		t.Error("a subdirectory is the tree it holds")
	}
	file := func(root string, contentsOnly bool) string {
		return ask(t, querySpec{Op: "digest", Kind: "file", Path: "/f", ExcludeMetadata: contentsOnly, Src: root})
	}
	one, two := tree(t, map[string]string{"f": "x"}), tree(t, map[string]string{"f": "x"})
	os.Chmod(filepath.Join(two, "f"), 0o755)
	if file(one, false) == file(two, false) || file(one, true) != file(two, true) {
		t.Error("a file's mode counts unless metadata is excluded")
	}
}

func TestChanges(t *testing.T) {
	before := tree(t, map[string]string{"same": "s", "mod": "1\n", "gone": "g", "gone-d/x": "x", "gone-d/e/y": "y", "turns": "file", "l": "-> a", "mode": ""})
	after := tree(t, map[string]string{"same": "s", "mod": "2\n", "new/y": "y", "turns/f": "dir", "l": "-> b", "mode": ""})
	os.Chmod(filepath.Join(after, "mode"), 0o600)
	want := "{added:[new/,new/y,turns/,turns/f],modified:[l,mod,mode],removed:[gone,gone-d/,turns]}"
	if got := ask(t, querySpec{Op: "changes", BeforeSrc: before, Src: after}); got != want {
		t.Error(got)
	}
	if got := ask(t, querySpec{Op: "changes", BeforeSrc: before, Src: before}); got != "{added:[],modified:[],removed:[]}" {
		t.Error(got)
	}
}

func TestGitignore(t *testing.T) {
	src := tree(t, map[string]string{
		".gitignore": "*.log\n/build/\n!keep.log\n# comment\n\nsrc/*.tmp\n", "a.log": "", "keep.log": "", "build/x": "", "sub/build/x": "", "other/c.py": "", "other/d.log": "",
		"src/.gitignore": "*.py\n!/deep\n", "src/x.py": "", "src/a.tmp": "", "src/deep/a.tmp": "", "src/deep/z.py": "", "only/e.log": "",
	})
	if got, want := ask(t, querySpec{Op: "gitignored", Src: src}), "[a.log,build/,only/e.log,other/d.log,src/a.tmp,src/deep/z.py,src/x.py]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	out := t.TempDir()
	os.Chtimes(filepath.Join(src, "keep.log"), time.Unix(5, 7), time.Unix(5, 7))
	os.Chtimes(filepath.Join(src, "only"), time.Unix(5, 7), time.Unix(5, 7))
	if err := transform(&querySpec{Op: "gitignore", Src: src, Out: out}); err != nil {
		t.Fatal(err)
	}
	if got, want := ask(t, querySpec{Op: "glob", Pattern: "**", Src: out}), "[.gitignore,keep.log,only/,other/,other/c.py,src/,src/.gitignore,src/deep/,src/deep/a.tmp,sub/,sub/build/,sub/build/x]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, name := range []string{"keep.log", "only"} {
		if st, err := os.Stat(filepath.Join(out, name)); err != nil || !st.ModTime().Equal(time.Unix(5, 7)) {
			t.Errorf("%s is of %v", name, st.ModTime())
		}
	}
}

func TestCopyKeepsTheTree(t *testing.T) {
	src := tree(t, map[string]string{"a": "1", "d/b": "2", "l": "-> nowhere", "e/": ""})
	os.Chmod(filepath.Join(src, "a"), 0o4711)
	os.Link(filepath.Join(src, "a"), filepath.Join(src, "hard"))
	out := t.TempDir()
	if err := transform(&querySpec{Op: "copy", Src: src, Out: out}); err != nil {
		t.Fatal(err)
	}
	if a, b := ask(t, querySpec{Op: "digest", Src: src}), ask(t, querySpec{Op: "digest", Src: out}); a != b {
		t.Error("the copy differs")
	}
}

func TestSearch(t *testing.T) {
	src := tree(t, map[string]string{"a.py": "import os\nx = 1\nimport sys\n", "b.txt": "import\n", "bin": "import\x00", ".h/x.py": "import", ".gitignore": "b.*\n", "long": "one\ntwo\nthree\n"})
	for _, c := range []struct {
		spec searchSpec
		want string
	}{
		{searchSpec{Pattern: "^import", Globs: []string{"*.py"}, SkipHidden: true}, "a.py:1:0:import os\n|a.py:3:16:import sys\n|"},
		{searchSpec{Pattern: "import", FilesOnly: true}, ".h/x.py:0:0:|a.py:0:0:|b.txt:0:0:|"},
		{searchSpec{Pattern: "import", FilesOnly: true, SkipIgnored: true}, ".h/x.py:0:0:|a.py:0:0:|"},
		{searchSpec{Pattern: "import", FilesOnly: true, Paths: []string{".h", "b.txt"}}, ".h/x.py:0:0:|b.txt:0:0:|"},
		{searchSpec{Pattern: "IMPORT S", Insensitive: true, Limit: 1}, "a.py:3:16:import sys\n|"},
		{searchSpec{Pattern: "zzz"}, ""},
		{searchSpec{Pattern: "two.three", Multiline: true, Dotall: true}, "long:2:4:two\nthree\n|"},
		{searchSpec{Pattern: "x = 1", Literal: true, Globs: []string{"!*.txt"}}, "a.py:2:10:x = 1\n|"},
	} {
		results, err := search(src, "/", &c.spec)
		got := ""
		for _, r := range results {
			got += r.FilePath + ":" + itoa(r.LineNumber) + ":" + itoa(r.AbsoluteOffset) + ":" + r.MatchedLines + "|"
		}
		if err != nil || got != c.want {
			t.Errorf("%+v: %q, want %q (%v)", c.spec, got, c.want, err)
		}
	}
	if _, err := search(src, "/", &searchSpec{Pattern: "("}); err == nil {
		t.Error("a bad pattern is an error")
	}
}

func itoa(n int) string {
	data, _ := json.Marshal(n)
	return string(data)
}
