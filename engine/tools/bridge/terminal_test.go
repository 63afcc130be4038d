package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
)

func TestTypedIsReadAsItCame(t *testing.T) {
	in := newTyped()
	go func() {
		for i := range 1000 {
			if err := in.add(fmt.Appendf(nil, "%d ", i)); err != nil {
				t.Error(err)
			}
		}
		in.Close()
	}()
	got, err := io.ReadAll(in)
	if err != nil || len(strings.Fields(string(got))) != 1000 || !strings.HasSuffix(string(got), "998 999 ") {
		t.Errorf("%q %v", got, err)
	}
	if err := in.add([]byte("late")); err != nil {
		t.Error(err)
	}
}

func TestTypedHasALimit(t *testing.T) {
	in := newTyped()
	if err := in.add(make([]byte, terminalInputSize)); err != nil {
		t.Fatal(err)
	}
	if err := in.add([]byte("x")); err == nil {
		t.Error("more was taken than may wait")
	}
}

func TestShownWaitsUntilItIsSeen(t *testing.T) {
	var mu sync.Mutex
	var out bytes.Buffer
	shown := newShown(func(data []byte) {
		mu.Lock()
		defer mu.Unlock()
		out.Write(data)
	})
	length := func() int {
		mu.Lock()
		defer mu.Unlock()
		return out.Len()
	}
	const pieces, size = 40, 32 << 10
	ended := make(chan error)
	go func() {
		for range pieces {
			if _, err := shown.Write(make([]byte, size)); err != nil {
				ended <- err
				return
			}
		}
		ended <- nil
	}()
	for seen := 0; seen < pieces*size; {
		time.Sleep(time.Millisecond)
		now := length()
		if now-seen > terminalWindow+size {
			t.Fatalf("%d bytes are on their way", now-seen)
		}
		shown.seen(int64(now - seen))
		seen = now
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShownEndsWhenItIsClosed(t *testing.T) {
	shown := newShown(func([]byte) {})
	if _, err := shown.Write(make([]byte, terminalWindow)); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(10*time.Millisecond, func() { shown.Close() })
	if _, err := shown.Write([]byte("x")); err == nil {
		t.Error("written to a terminal that nobody sees")
	}
}

func TestMovesOfNoTerminal(t *testing.T) {
	s := &server{terminals: map[int64]*terminal{}}
	if _, err := s.terminalMove(terminalMove{Request: 7, Data: []byte("x"), Rows: 1, Cols: 1}); err != nil {
		t.Error(err)
	}
}

// data joins what a terminal showed.
func (p *peer) data(a *answer) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []byte
	for _, e := range a.events {
		var v struct{ Data []byte }
		json.Unmarshal(e, &v)
		out = append(out, v.Data...)
	}
	return string(out)
}

func (p *peer) shows(a *answer, text string) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.data(a), text); time.Sleep(10 * time.Millisecond) {
		select {
		case <-a.done:
			if !strings.Contains(p.data(a), text) {
				p.t.Fatalf("it ended (%v) and showed %q, not %q", a.err, p.data(a), text)
			}
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it shows %q, not %q", p.data(a), text)
		}
	}
}

// openTerminal starts a shell in a container whose root has a file of its own.
func (p *peer) openTerminal(spec map[string]any) (int64, *answer) {
	layouts := images(p.t)
	text, _ := json.Marshal(spec)
	root := baseState().File(llb.Mkfile("/nonce", 0o644, fmt.Append(nil, time.Now())))
	list, targets := ops(p.t, root, shimState(), llb.Scratch().File(llb.Mkfile("/spec.json", 0o400, text)))
	return p.start("terminal", map[string]any{
		"ops": list, "ociLayouts": layouts, "targets": targets, "args": []string{"/.pyline/shim", "terminal"},
		"env": []string{"PATH=/usr/bin:/bin", "TERM=dumb", "PS1=> "}, "cwd": "/", "network": "none", "rows": 33, "cols": 77,
		"mounts": []map[string]any{
			{"dest": "/", "target": 0}, {"dest": "/.pyline/shim", "target": 1, "selector": "/shim", "readonly": true},
			{"dest": "/.pyline/spec.json", "target": 2, "selector": "/spec.json", "readonly": true},
		},
	})
}

func TestTerminal(t *testing.T) {
	p := startBridge(t)
	id, a := p.openTerminal(map[string]any{"args": []string{"sh"}, "workdir": "/tmp"})
	typeIn := func(text string) {
		p.start("terminalMove", map[string]any{"request": id, "data": []byte(text)})
	}
	p.shows(a, "> ")
	typeIn("echo $((6*7)) $(tty) $(pwd); stty size\r")
	p.shows(a, "42 /dev/pts/0 /tmp")
	p.shows(a, "33 77")
	p.start("terminalMove", map[string]any{"request": id, "rows": 20, "cols": 60})
	time.Sleep(500 * time.Millisecond)
	typeIn("stty size\r")
	p.shows(a, "20 60")
	// Ctrl-C is the program's.
	typeIn("sleep 100\r")
	time.Sleep(500 * time.Millisecond)
	typeIn("\x03")
	// A hundred moves at once stay in order.
	for _, c := range "echo " + strings.Repeat("0123456789", 10) + "\r" {
		typeIn(string(c))
	}
	p.shows(a, "\n> "+strings.Repeat("0123456789", 10))
	typeIn("exit 7\r")
	<-a.done
	var r terminalResult
	if json.Unmarshal(a.result, &r); a.err != nil || r.ExitCode != 7 {
		t.Errorf("%s %v", a.result, a.err)
	}
}

func TestTerminalOfAUser(t *testing.T) {
	p := startBridge(t)
	id, a := p.openTerminal(map[string]any{"args": []string{"sh"}, "user": "1234:1234", "workdir": "/tmp"})
	p.start("terminalMove", map[string]any{"request": id, "data": []byte("id -u; stat -c %u $(tty); exit\r")})
	<-a.done
	if a.err != nil || strings.Count(p.data(a), "1234\r\n") != 2 {
		t.Errorf("%q %v", p.data(a), a.err)
	}
}

func TestTerminalIsHeldUp(t *testing.T) {
	p := startBridge(t)
	id, a := p.openTerminal(map[string]any{"args": []string{"sh", "-c", "yes 0123456789; true"}})
	p.shows(a, "0123456789")
	time.Sleep(time.Second)
	first := len(p.data(a))
	if first > 2*terminalWindow {
		t.Errorf("%d bytes came, which nobody has seen", first)
	}
	p.start("terminalMove", map[string]any{"request": id, "seen": first})
	for deadline := time.Now().Add(10 * time.Second); len(p.data(a)) <= first; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not go on")
		}
	}
	p.call("cancel", map[string]any{"request": id})
	select {
	case <-a.done:
		if a.err == nil || a.err.Code != "CANCELED" {
			t.Errorf("%+v", a.err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the terminal goes on")
	}
}

func TestTerminalWithoutACommand(t *testing.T) {
	p := startBridge(t)
	_, a := p.openTerminal(map[string]any{"args": []string{"/no/such"}})
	<-a.done
	var r terminalResult
	if json.Unmarshal(a.result, &r); r.ExitCode != 125 || !strings.Contains(p.data(a), "/no/such: no such file or directory") {
		t.Errorf("%s %v %q", a.result, a.err, p.data(a))
	}
}
