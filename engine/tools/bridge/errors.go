package main

import (
	"context"
	"errors"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"
)

// rpcError is the error of an answer; README.md lists the codes.
type rpcError struct {
	Code        string        `json:"code"`
	Message     string        `json:"message"`
	Vertex      digest.Digest `json:"vertex,omitempty"`
	ExitCode    *int          `json:"exitCode,omitempty"`
	Setup       bool          `json:"setup,omitempty"`
	Path        string        `json:"path,omitempty"`
	StdoutTail  []byte        `json:"stdoutTail,omitempty"`
	StderrTail  []byte        `json:"stderrTail,omitempty"`
	StdoutBytes int64         `json:"stdoutBytes,omitempty"`
	StderrBytes int64         `json:"stderrBytes,omitempty"`
}

func (e *rpcError) Error() string { return e.Code + ": " + e.Message }

// asError makes an answer's error of any error.
func asError(ctx context.Context, err error) *rpcError {
	var e *rpcError
	if errors.As(err, &e) && e.Code == "INTERNAL" {
		return e
	}
	if cause := context.Cause(ctx); cause != nil {
		return &rpcError{Code: "CANCELED", Message: cause.Error()}
	}
	if e != nil {
		return e
	}
	e = &rpcError{Code: classify(err), Message: err.Error()}
	var v *errdefs.VertexError
	if errors.As(err, &v) {
		e.Vertex = digest.Digest(v.Vertex.Digest)
	}
	return e
}

// classify finds what kind of trouble an error of BuildKit is. Beyond gRPC's codes BuildKit only has words.
func classify(err error) string {
	text := strings.ToLower(err.Error())
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	code := grpcerrors.Code(err)
	switch {
	case has("no space left on device", "disk quota exceeded"):
		return "DISK_FULL"
	case code == codes.Canceled || errors.Is(err, context.Canceled):
		return "CANCELED"
	case code == codes.Unavailable && !has("failed to do request", "failed to resolve source"):
		return "UNAVAILABLE"
	case has("401 unauthorized", "403 forbidden", "authorization failed", "insufficient_scope", "pull access denied", "push access denied", "authentication required"):
		return "DENIED"
	case has("failed to do request", "dial tcp", "no such host", "connection refused", "i/o timeout", "tls handshake", "x509:"):
		return "NETWORK"
	case has("secret") && has(": not found"):
		return "NOT_FOUND"
	default:
		return "SOLVE"
	}
}

// classifySource is classify for an error that is about an image: what is not found then is the image.
func classifySource(err error) string {
	code := classify(err)
	text := strings.ToLower(err.Error())
	for _, words := range []string{"not found", "manifest unknown", "name unknown", "no match for platform"} {
		if code == "SOLVE" && strings.Contains(text, words) {
			return "NOT_FOUND"
		}
	}
	return code
}

// exitCode is the status the failed process of a step ended with.
func exitCode(err error) (int, bool) {
	var exit *gateway.ExitError
	if errors.As(err, &exit) {
		return int(exit.ExitCode), true
	}
	return 0, false
}

// vertexOf is the vertex (BuildKit's digest) that an error belongs to.
func vertexOf(err error) (digest.Digest, bool) {
	var v *errdefs.VertexError
	if errors.As(err, &v) {
		return digest.Digest(v.Vertex.Digest), true
	}
	return "", false
}
