package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"
)

func TestReadyWhenThePortAnswers(t *testing.T) {
	// A port that is free now, and open a little later.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	free.Close()
	cmd, _ := command(t, "exec", map[string]any{
		"args": sh("sleep 60"), "ready": map[string]any{"address": "127.0.0.1", "ports": []int{address.Port}},
	})
	said := make(chan string, 16)
	cmd.Stderr = writer(func(p []byte) { said <- string(p) })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case line := <-said:
		t.Fatalf("too early: %q", line)
	case <-time.After(300 * time.Millisecond):
	}
	open, err := net.Listen("tcp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	select {
	case line := <-said:
		if line != trailerMark+`{"ready":true,"address":"127.0.0.1"}`+"\n" {
			t.Errorf("%q", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing was said")
	}
}

func TestReadyWithoutPorts(t *testing.T) {
	r := runShim(t, map[string]any{"args": sh("sleep 0.3"), "ready": map[string]any{"ports": []int{}}})
	if r.status != 0 || r.trailer == nil {
		t.Errorf("%+v", r)
	}
	cmd, _ := command(t, "exec", map[string]any{"args": []string{"no-such-command"}, "ready": map[string]any{}})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	if strings.Contains(stderr.String(), "ready") {
		t.Errorf("what cannot be run is not ready: %q", stderr.String())
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
