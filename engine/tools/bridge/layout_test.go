package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func makeLayout(t *testing.T, args ...string) (string, digest.Digest) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	if err := layoutCommand(append(args, "--out", dir), &out); err != nil {
		t.Fatal(err)
	}
	return dir, digest.Digest(strings.TrimSpace(out.String()))
}

func blob(t *testing.T, dir string, d digest.Digest) []byte {
	t.Helper()
	data, err := os.ReadFile(layout{dir}.blob(d))
	if err != nil || digest.FromBytes(data) != d {
		t.Fatalf("%s: %v", d, err)
	}
	return data
}

func TestLayoutOfFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	os.WriteFile(file, []byte("binary"), 0o600)
	one, first := makeLayout(t, "--file", "shim="+file)
	os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0))
	if _, second := makeLayout(t, "--file", "shim="+file); first != second {
		t.Error("the same files make another image")
	}
	var manifest ocispecs.Manifest
	json.Unmarshal(blob(t, one, first), &manifest)
	if got := list(t, blob(t, one, manifest.Layers[0].Digest)); got != "shim 755 0:0 0 binary\n" {
		t.Error(got)
	}
}

func TestLayoutOfTree(t *testing.T) {
	root := t.TempDir()
	put(t, root, "etc/hosts", "h")
	put(t, root, "b", "b")
	os.Link(filepath.Join(root, "b"), filepath.Join(root, "c"))
	os.Symlink("etc/hosts", filepath.Join(root, "l"))
	os.Mkdir(filepath.Join(root, "empty"), 0o1777)
	os.Chmod(filepath.Join(root, "empty"), 0o777|os.ModeSticky)
	config := filepath.Join(t.TempDir(), "config.json")
	os.WriteFile(config, []byte(`{"config":{"Env":["A=1"]},"architecture":"arm64","history":[{}]}`), 0o600)
	dir, d := makeLayout(t, "--rootfs", root, "--config", config, "--mtime", "5", "--name", "example.org/x:1")
	var manifest ocispecs.Manifest
	json.Unmarshal(blob(t, dir, d), &manifest)
	want := "b 644 0:0 5 b\nc 644 0:0 5 -> b\nempty/ 1777 0:0 5 \netc/ 755 0:0 5 \netc/hosts 644 0:0 5 h\nl 777 0:0 5 -> etc/hosts\n"
	if os.Getuid() == 0 {
		if got := list(t, blob(t, dir, manifest.Layers[0].Digest)); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	var image ocispecs.Image
	json.Unmarshal(blob(t, dir, manifest.Config.Digest), &image)
	if image.Architecture != "arm64" || image.OS != "linux" || image.Config.Env[0] != "A=1" || len(image.RootFS.DiffIDs) != 1 || len(image.History) != 0 {
		t.Errorf("%+v", image)
	}
	var index ocispecs.Index
	data, _ := os.ReadFile(filepath.Join(dir, "index.json"))
	json.Unmarshal(data, &index)
	if index.Manifests[0].Digest != d || index.Manifests[0].Annotations[ocispecs.AnnotationRefName] != "example.org/x:1" {
		t.Errorf("%s", data)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "blobs", ".*"))
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestLayoutOfArchive(t *testing.T) {
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "./usr/", Typeflag: tar.TypeDir, Mode: 0o755, Uname: "somebody", Uid: 3},
		{Name: "./usr/x", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 1, ModTime: time.Unix(9, 500)}, {Name: "./y", Typeflag: tar.TypeLink, Linkname: "./usr/x"},
		{Name: "./dev/null", Typeflag: tar.TypeChar, Mode: 0o666},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte("x"))
		}
	}
	w.Close()
	file := filepath.Join(t.TempDir(), "root.tar")
	os.WriteFile(file, data.Bytes(), 0o600)
	packed := file + ".zst"
	enc, _ := zstd.NewWriter(nil)
	os.WriteFile(packed, enc.EncodeAll(data.Bytes(), nil), 0o600)
	dir, d := makeLayout(t, "--rootfs", file)
	if _, other := makeLayout(t, "--rootfs", packed); other != d {
		t.Error("a packed archive makes another image")
	}
	var manifest ocispecs.Manifest
	json.Unmarshal(blob(t, dir, d), &manifest)
	if got, want := list(t, blob(t, dir, manifest.Layers[0].Digest)), "usr/ 755 3:0 0 \nusr/x 4755 0:0 9 x\ny 0 0:0 0 -> usr/x\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func list(t *testing.T, layer []byte) string {
	t.Helper()
	plain, err := zstd.NewReader(bytes.NewReader(layer))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		if h.Linkname != "" {
			text = []byte("-> " + h.Linkname)
		}
		fmt.Fprintf(&out, "%s %o %d:%d %d %s\n", h.Name, h.Mode, h.Uid, h.Gid, max(h.ModTime.Unix(), 0), text)
	}
}

func TestDockerArchive(t *testing.T) {
	var layer, data bytes.Buffer
	lw := tar.NewWriter(&layer)
	lw.WriteHeader(&tar.Header{Name: "f", Typeflag: tar.TypeReg, Mode: 0o644, Size: 1})
	lw.Write([]byte("x"))
	lw.Close()
	w := tar.NewWriter(&data)
	for name, text := range map[string]string{
		"config.json": `{"architecture":"arm64","os":"linux"}`, "one/layer.tar": layer.String(),
		"manifest.json": `[{"Config":"config.json","RepoTags":["x:1"],"Layers":["one/layer.tar","two/layer.tar"]},{"Config":"config.json","RepoTags":["y:1"],"Layers":["../../etc/passwd"]}]`,
	} {
		w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))})
		w.Write([]byte(text))
	}
	w.WriteHeader(&tar.Header{Name: "two/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../one/layer.tar"})
	w.Close()
	file := filepath.Join(t.TempDir(), "saved.tar")
	os.WriteFile(file, data.Bytes(), 0o600)
	dir, d := makeLayout(t, "--archive", file, "--name", "x:1")
	var manifest ocispecs.Manifest
	json.Unmarshal(blob(t, dir, d), &manifest)
	if len(manifest.Layers) != 2 || manifest.Layers[1].Digest != digest.FromBytes(layer.Bytes()) || manifest.Layers[0].MediaType != ocispecs.MediaTypeImageLayer {
		t.Errorf("%+v", manifest)
	}
	for _, name := range []string{"", "z:1", "y:1"} {
		if err := layoutCommand([]string{"--archive", file, "--name", name, "--out", t.TempDir()}, io.Discard); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
}
