package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand"
	"net/url"
	"strings"
	"testing"
	"time"
)

func scrubbed(t *testing.T, m *matcher, writes ...string) string {
	t.Helper()
	var out bytes.Buffer
	s := newScrubber(m, &out)
	for _, w := range writes {
		if _, err := s.Write([]byte(w)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func secrets(encoded bool, values ...string) *matcher {
	var list [][]byte
	for _, v := range values {
		list = append(list, []byte(v))
	}
	return newMatcher(patterns(list, encoded))
}

func TestScrub(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		in      []string
		want    string
	}{
		{"plain", []string{"hunter2"}, []string{"a hunter2 b\n"}, "a *** b\n"},
		{"nothing to find", []string{"hunter2"}, []string{"hunter hunter3 unter2"}, "hunter hunter3 unter2"},
		{"twice", []string{"hunter2"}, []string{"hunter2hunter2"}, "******"},
		{"split over two writes", []string{"scrub-me-please"}, []string{"scrub-", "me-please\n"}, "***\n"},
		{"split into bytes", []string{"scrub-me-please"}, strings.Split("x scrub-me-please y", ""), "x *** y"},
		{"a begin that leads to nothing", []string{"aab"}, []string{"aa", "ab aa"}, "a*** aa"},
		{"at the end of the stream", []string{"secret"}, []string{"a secr"}, "a secr"},
		{"one byte", []string{"q"}, []string{"quick quack"}, "***uick ***uack"},
		{"empty", []string{"", " \n"}, []string{"a  \nb"}, "a ***b"},
		{"blanks at the ends", []string{"  padded value  "}, []string{"[  padded value  ]\n[padded value]\n"}, "[***]\n[***]\n"},
		{"a newline at the end", []string{"with-newline\n"}, []string{"[with-newline]"}, "[***]"},
		{"many lines", []string{"line-one\nline-two"}, []string{"line-one\nline-two\nline-two\n"}, "***\nline-two\n"},
		{"one inside another", []string{"abc", "xabcy"}, []string{"xabcy xabcz abc"}, "*** x***z ***"},
		{"a longer one that fails late", []string{"abc", "abcdef"}, []string{"abcde", "x abcdef"}, "***dex ***"},
		{"overlapping", []string{"abcd", "cdef"}, []string{"abcdef"}, "***"},
		{"overlapping in pieces", []string{"abcd", "cdef"}, strings.Split("zabcdefz", ""), "z***z"},
		{"binary", []string{"\x00\xff\x00"}, []string{"\x00\x00\xff", "\x00\xff"}, "\x00***\xff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := secrets(false, c.secrets...)
			if got := scrubbed(t, m, c.in...); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if got := scrubbed(t, m, strings.Split(strings.Join(c.in, ""), "")...); got != c.want {
				t.Errorf("byte by byte: %q, want %q", got, c.want)
			}
		})
	}
}

func TestScrubEncoded(t *testing.T) {
	secret := "p4ss/w?rd&more"
	m := secrets(true, secret, "first line of it\nsecond line of it\nshort\n")
	for _, text := range []string{
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), "second line of it",
	} {
		if got := scrubbed(t, m, "<"+text+">"); got != "<***>" {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := scrubbed(t, m, "short"); got != "short" {
		t.Error(got)
	}
	if got := scrubbed(t, secrets(false, secret), base64.StdEncoding.EncodeToString([]byte(secret))); strings.Contains(got, mask) {
		t.Error("encodings are only looked for when asked")
	}
}

// What the automaton masks is what a search for every pattern at every place masks.
func TestScrubAgainstSearch(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	word := func(n int) string {
		b := make([]byte, 1+random.Intn(n))
		for i := range b {
			b[i] = "ab"[random.Intn(2)]
		}
		return string(b)
	}
	for range 3000 {
		var list []string
		for range 1 + random.Intn(4) {
			list = append(list, word(6))
		}
		text := word(40)
		covered := make([]int, len(text)) // 1: masked, 2: masked and begins a mask
		for i := range text {
			for _, p := range list {
				if strings.HasPrefix(text[i:], p) {
					if covered[i] == 0 {
						covered[i] = 2
					}
					for k := i + 1; k < i+len(p); k++ {
						covered[k] = 1
					}
				}
			}
		}
		var want strings.Builder
		for i, c := range covered {
			switch c {
			case 0:
				want.WriteByte(text[i])
			case 2:
				want.WriteString(mask)
			}
		}
		var writes []string
		for rest := text; rest != ""; {
			n := 1 + random.Intn(len(rest))
			writes = append(writes, rest[:n])
			rest = rest[n:]
		}
		if got := scrubbed(t, secrets(false, list...), writes...); got != want.String() {
			t.Fatalf("%q in %q, written as %q: %q, want %q", list, text, writes, got, want.String())
		}
	}
}

func TestScrubHoldsBackOnlyWhatMayMatch(t *testing.T) {
	var out bytes.Buffer
	s := newScrubber(secrets(false, "secret-value"), &out)
	for _, step := range []struct{ write, out string }{{"hello ", "hello "}, {"sec", "hello "}, {"ond\n", "hello second\n"}, {"secret-value", "hello second\n***"}} {
		s.Write([]byte(step.write))
		if out.String() != step.out {
			t.Errorf("after %q: %q", step.write, out.String())
		}
	}
}

// 100 MB in one line, full of begins of matches: memory stays small and it takes seconds at most.
func TestScrubMassive(t *testing.T) {
	m := secrets(false, "aaaaaaaaaaaaaaab", "secret", "a", strings.Repeat("x", 4000)+"y")
	count := &counter{}
	s := newScrubber(m, count)
	chunk := []byte(strings.Repeat("x", 50_000) + strings.Repeat("sec", 5000))
	started := time.Now()
	total := 0
	for total < 100<<20 {
		n, _ := s.Write(chunk)
		total += n
		if len(s.held) > 70_000 || len(s.spans) > 10 {
			t.Fatalf("%d bytes, %d masks held back", len(s.held), len(s.spans))
		}
	}
	s.Close()
	if count.n != total {
		t.Errorf("%d bytes in, %d out", total, count.n)
	}
	t.Logf("%d MB in %v", total>>20, time.Since(started))
}

func BenchmarkScrub(b *testing.B) {
	line := []byte(strings.Repeat("2026-01-01 12:00:00 INFO some.module: a line of a log as they are\n", 1000))
	for _, values := range [][]string{{"hunter2-hunter2"}, {"ab", "INFOX", "some.thing", strings.Repeat("k", 1700)}} {
		b.Run(fmt.Sprintf("%d secrets", len(values)), func(b *testing.B) {
			s := newScrubber(secrets(false, values...), io.Discard)
			b.SetBytes(int64(len(line)))
			for b.Loop() {
				s.Write(line)
			}
		})
	}
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}
