package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// saying runs a service with a health check and returns the first line that tells of it.
func saying(t *testing.T, service []string, health map[string]any) string {
	t.Helper()
	cmd, _ := command(t, "exec", map[string]any{
		"args": service, "ready": map[string]any{"address": "127.0.0.1", "ports": []int{}, "health": health},
		"scrubEnv": []string{"TOKEN"},
	})
	cmd.Env = append(cmd.Environ(), "TOKEN=hunter2-hunter2")
	said := make(chan string, 16)
	cmd.Stderr = writer(func(p []byte) { said <- string(p) })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	select {
	case line := <-said:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was said")
		return ""
	}
}

func TestHealthCheckIsTriedUntilItPasses(t *testing.T) {
	marks := filepath.Join(t.TempDir(), "marks")
	// The third time is the first good one.
	check := sh("echo x >> " + marks + "; test $(wc -l < " + marks + ") -ge 3")
	line := saying(t, sh("sleep 60"), map[string]any{"args": check, "interval": 20, "retries": 5})
	if line != trailerMark+`{"ready":true,"address":"127.0.0.1"}`+"\n" {
		t.Errorf("%q", line)
	}
	if data, _ := os.ReadFile(marks); string(data) != "x\nx\nx\n" {
		t.Errorf("%q", data)
	}
}

func TestHealthCheckFailsAfterItsRetries(t *testing.T) {
	said := func(health map[string]any) unhealthy {
		var line unhealthyLine
		text := saying(t, sh("sleep 60"), health)
		if err := json.Unmarshal([]byte(strings.TrimPrefix(text, trailerMark)), &line); err != nil || line.Unhealthy == nil {
			t.Fatalf("%q %v", text, err)
		}
		return *line.Unhealthy
	}
	last := said(map[string]any{"args": sh("echo no; echo $TOKEN >&2; exit 3"), "interval": 1, "retries": 2})
	if last.ExitCode != 3 || string(last.Stdout) != "no\n" || string(last.Stderr) != "***\n" {
		t.Errorf("%+v", last)
	}
	if last := said(map[string]any{"args": []string{"no-such-command"}, "interval": 1, "retries": 1}); last.ExitCode != 1 || !strings.Contains(string(last.Stderr), "not found") {
		t.Errorf("%+v", last)
	}
	if last := said(map[string]any{"args": sh("sleep 60"), "timeout": 50, "retries": 1}); last.ExitCode != 137 || !strings.Contains(string(last.Stderr), "timed out after 50ms") {
		t.Errorf("%+v", last)
	}
}

func TestHealthCheckMayFailInTheStartPeriod(t *testing.T) {
	marks := filepath.Join(t.TempDir(), "marks")
	check := sh("echo x >> " + marks + "; test $(wc -l < " + marks + ") -ge 4")
	line := saying(t, sh("sleep 60"), map[string]any{"args": check, "interval": 1, "startPeriod": 60_000, "retries": 1})
	if !strings.Contains(line, `"ready":true`) {
		t.Errorf("%q", line)
	}
}

func TestServiceMayEndBeforeItsHealthCheckPasses(t *testing.T) {
	r := runShim(t, map[string]any{
		"args": sh("sleep 0.2; exit 4"), "ready": map[string]any{"health": map[string]any{"args": sh("exit 1"), "interval": 10, "retries": 1000}},
	})
	if r.status != 4 {
		t.Errorf("%+v", r)
	}
}
