package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	"github.com/sirupsen/logrus"
)

type connectParams struct {
	Address   string `json:"address"`
	TimeoutMs int64  `json:"timeoutMs"`
}

type workerInfo struct {
	ID        string            `json:"id"`
	Platforms []string          `json:"platforms"`
	Labels    map[string]string `json:"labels"`
}

type connectResult struct {
	Version   string       `json:"version"`
	Platforms []string     `json:"platforms"`
	Workers   []workerInfo `json:"workers"`
}

// quiet keeps what BuildKit's client library would log (registry tokens, retries) out of standard error.
func quiet() {
	logrus.SetOutput(io.Discard)
}

func (s *server) connect(ctx context.Context, p connectParams) (*connectResult, error) {
	timeout := 20 * time.Second
	if p.TimeoutMs > 0 {
		timeout = time.Duration(p.TimeoutMs) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c, err := client.New(s.ctx, p.Address)
	if err != nil {
		return nil, err
	}
	for {
		result, err := describe(ctx, c)
		if err == nil {
			s.mu.Lock()
			s.client = c // an earlier connection stays open for the requests that use it
			s.mu.Unlock()
			return result, nil
		}
		select {
		case <-ctx.Done():
			c.Close()
			return nil, &rpcError{Code: "UNAVAILABLE", Message: fmt.Sprintf("BuildKit does not answer at %s: %v", p.Address, err)}
		case <-time.After(25 * time.Millisecond):
		}
		// gRPC itself waits longer and longer between its tries: take a fresh connection.
		c.Close()
		if c, err = client.New(s.ctx, p.Address); err != nil {
			return nil, err
		}
	}
}

func describe(ctx context.Context, c *client.Client) (*connectResult, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return nil, err
	}
	result := &connectResult{Version: info.BuildkitVersion.Version, Platforms: []string{}, Workers: []workerInfo{}}
	for i, w := range workers {
		wi := workerInfo{ID: w.ID, Labels: w.Labels, Platforms: []string{}}
		for _, p := range w.Platforms {
			wi.Platforms = append(wi.Platforms, platforms.Format(p))
		}
		result.Workers = append(result.Workers, wi)
		if i == 0 {
			result.Platforms = wi.Platforms
		}
	}
	return result, nil
}
