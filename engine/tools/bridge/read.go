package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/tonistiigi/fsutil/types"
	"google.golang.org/grpc/codes"
)

// chunk keeps an answer of BuildKit well below the 16 MiB a gRPC message may have.
const chunk = 8 << 20

type read struct {
	Kind     string `json:"kind"`
	Path     string `json:"path"`
	Offset   int64  `json:"offset"`
	Length   *int64 `json:"length"`
	SaveTo   string `json:"saveTo"`
	Pattern  string `json:"pattern"`
	NoFollow bool   `json:"noFollow"`
}

type readResult struct {
	Data    *[]byte    `json:"data,omitempty"`
	Size    *int64     `json:"size,omitempty"`
	Entries *[]dirStat `json:"entries,omitempty"`
	Stat    *dirStat   `json:"stat,omitempty"`
	Error   string     `json:"error,omitempty"`
	Code    string     `json:"code,omitempty"`
}

type dirStat struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Mode    uint32 `json:"mode"`
	Size    int64  `json:"size"`
	UID     uint32 `json:"uid"`
	GID     uint32 `json:"gid"`
	MtimeNs int64  `json:"mtimeNs"`
	Link    string `json:"link,omitempty"`
}

// run reads from a solved output (nil: an empty directory). What the tree does not allow is part of the result; an
// error is trouble with BuildKit or with this machine.
func (r *read) run(ctx context.Context, ref gateway.Reference) (readResult, error) {
	result, err := r.try(ctx, ref)
	if err == nil {
		return result, nil
	}
	if ctx.Err() != nil {
		return readResult{}, err
	}
	var e *rpcError
	if errors.As(err, &e) {
		return readResult{}, err
	}
	if _, ofVertex := vertexOf(err); ofVertex || grpcerrors.Code(err) == codes.Unavailable {
		return readResult{}, err
	}
	code := errnoOf(err)
	return readResult{Error: code.text, Code: code.name}, nil
}

func (r *read) try(ctx context.Context, ref gateway.Reference) (readResult, error) {
	switch r.Kind {
	case "file":
		return r.file(ctx, ref)
	case "dir":
		entries, err := readDir(ctx, ref, r.Path, r.Pattern)
		return readResult{Entries: &entries}, err
	case "stat":
		stat, err := r.stat(ctx, ref)
		return readResult{Stat: stat}, err
	default:
		return readResult{}, invalid("unknown kind of read: %q", r.Kind)
	}
}

func (r *read) file(ctx context.Context, ref gateway.Reference) (readResult, error) {
	if ref == nil {
		return readResult{}, missing(r.Path)
	}
	var data []byte
	var size int64
	var save *os.File
	if r.SaveTo != "" {
		f, err := os.OpenFile(r.SaveTo, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return readResult{}, invalid("saveTo: %v", err)
		}
		defer f.Close()
		save = f
	}
	for {
		want := int64(chunk)
		if r.Length != nil {
			want = min(want, *r.Length-size)
		}
		// One read at least, so that a missing file is noticed.
		got, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: r.Path, Range: &gateway.FileRange{Offset: int(r.Offset + size), Length: int(max(want, 1))}})
		if err != nil {
			return readResult{}, err
		}
		got = got[:min(int64(len(got)), max(want, 0))]
		size += int64(len(got))
		if save != nil {
			if _, err := save.Write(got); err != nil {
				return readResult{}, &rpcError{Code: classify(err), Message: err.Error()}
			}
		} else {
			data = append(data, got...)
		}
		if int64(len(got)) < chunk {
			break
		}
	}
	if save != nil {
		return readResult{Size: &size}, save.Close()
	}
	if data == nil {
		data = []byte{}
	}
	return readResult{Data: &data, Size: &size}, nil
}

func (r *read) stat(ctx context.Context, ref gateway.Reference) (*dirStat, error) {
	clean := path.Clean("/" + r.Path)
	if ref == nil {
		if clean == "/" {
			return &dirStat{Name: "/", Type: "dir", Mode: 0o755}, nil
		}
		return nil, missing(r.Path)
	}
	if r.NoFollow && clean != "/" {
		// BuildKit's own stat follows a link at the end of the path; a listing does not.
		entries, err := readDir(ctx, ref, path.Dir(clean), "")
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Name == path.Base(clean) {
				return &e, nil
			}
		}
		return nil, missing(r.Path)
	}
	st, err := ref.StatFile(ctx, gateway.StatRequest{Path: r.Path})
	if err != nil {
		return nil, err
	}
	stat := statOf(st)
	return &stat, nil
}

func readDir(ctx context.Context, ref gateway.Reference, dir, pattern string) ([]dirStat, error) {
	entries := []dirStat{}
	if ref == nil {
		if path.Clean("/"+dir) == "/" {
			return entries, nil
		}
		return nil, missing(dir)
	}
	list, err := ref.ReadDir(ctx, gateway.ReadDirRequest{Path: dir, IncludePattern: pattern})
	if err != nil {
		return nil, err
	}
	for _, st := range list {
		entries = append(entries, statOf(st))
	}
	if len(entries) == 0 {
		// A walk of a file is an empty one.
		st, err := ref.StatFile(ctx, gateway.StatRequest{Path: dir})
		if err != nil {
			return nil, err
		}
		if !os.FileMode(st.Mode).IsDir() {
			return nil, &os.PathError{Op: "readdir", Path: dir, Err: errors.New("not a directory")}
		}
	}
	return entries, nil
}

func statOf(st *types.Stat) dirStat {
	m := os.FileMode(st.Mode)
	d := dirStat{Name: path.Base(st.Path), Type: "file", Mode: uint32(m.Perm()), Size: st.Size, UID: st.Uid, GID: st.Gid, MtimeNs: st.ModTime, Link: st.Linkname}
	for _, b := range []struct {
		mode os.FileMode
		bit  uint32
	}{{os.ModeSetuid, 0o4000}, {os.ModeSetgid, 0o2000}, {os.ModeSticky, 0o1000}} {
		if m&b.mode != 0 {
			d.Mode |= b.bit
		}
	}
	switch {
	case m.IsDir():
		d.Type = "dir"
	case m&os.ModeSymlink != 0:
		d.Type = "symlink"
	case m&os.ModeNamedPipe != 0:
		d.Type = "fifo"
	case m&os.ModeSocket != 0:
		d.Type = "socket"
	case m&os.ModeCharDevice != 0:
		d.Type = "char"
	case m&os.ModeDevice != 0:
		d.Type = "block"
	}
	return d
}

func missing(p string) error {
	return &os.PathError{Op: "open", Path: p, Err: os.ErrNotExist}
}

type errno struct{ name, text string }

// errnoOf finds the system's error in what BuildKit says: over gRPC only its words arrive.
func errnoOf(err error) errno {
	text := err.Error()
	for _, e := range []struct {
		words string
		errno
	}{
		{"no such file or directory", errno{"ENOENT", "no such file or directory"}},
		{"file does not exist", errno{"ENOENT", "no such file or directory"}},
		{"not a directory", errno{"ENOTDIR", "not a directory"}},
		{"is a directory", errno{"EISDIR", "is a directory"}},
		{"not a regular file", errno{"EISDIR", "not a regular file"}},
		{"permission denied", errno{"EACCES", "permission denied"}},
		{"too many levels of symbolic links", errno{"ELOOP", "too many levels of symbolic links"}},
		{"too many links", errno{"ELOOP", "too many levels of symbolic links"}},
		{io.ErrUnexpectedEOF.Error(), errno{"EIO", text}},
	} {
		if strings.Contains(text, e.words) {
			return e.errno
		}
	}
	return errno{"EIO", text}
}
