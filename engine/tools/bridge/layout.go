package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// layoutCommand writes an OCI image layout with one layer and prints its manifest's digest.
func layoutCommand(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bridge layout", flag.ContinueOnError)
	rootfs := flags.String("rootfs", "", "`path` of a tar archive (plain, gzip, zstd) or a directory")
	archive := flags.String("archive", "", "`path` of an image archive (OCI or docker save), to be unpacked")
	config := flags.String("config", "", "`path` of an image configuration (JSON)")
	dest := flags.String("out", "", "`directory` of the layout")
	name := flags.String("name", "", "`reference` to note in the index")
	mtime := flags.Int64("mtime", -1, "time of every entry, in `seconds` since 1970")
	compression := flags.String("compression", "zstd", "zstd, gzip or none")
	files := map[string]string{}
	flags.Func("file", "`name=path`: a file of mode 0755 instead of a root file system", func(s string) error {
		name, from, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("must be name=path")
		}
		files[strings.Trim(path.Clean("/"+name), "/")] = from
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	sources := 0
	for _, given := range []bool{*rootfs != "", *archive != "", len(files) > 0} {
		if given {
			sources++
		}
	}
	if *dest == "" || sources != 1 {
		return errors.New("needs --out, and one of --rootfs, --archive, --file")
	}
	if len(files) > 0 && *mtime < 0 {
		*mtime = 0
	}
	entry := entryWriter{mtime: *mtime}
	l := layout{dir: *dest}
	if err := os.MkdirAll(filepath.Join(l.dir, "blobs", "sha256"), 0o755); err != nil {
		return err
	}
	if *archive != "" {
		manifest, err := l.importArchive(*archive, *name)
		if err == nil {
			_, err = fmt.Fprintln(out, manifest)
		}
		return err
	}
	layer, diffID, err := l.layer(*compression, func(w *tar.Writer) error {
		entry.w = w
		if len(files) > 0 {
			return entry.files(files)
		}
		st, err := os.Stat(*rootfs)
		if err != nil {
			return err
		}
		if st.IsDir() {
			return entry.tree(*rootfs)
		}
		return entry.archive(*rootfs)
	})
	if err != nil {
		return err
	}
	manifest, err := l.image(layer, diffID, *config, *name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, manifest)
	return err
}

// layout is an OCI image layout on disk.
type layout struct{ dir string }

// layer writes a layer blob and returns its descriptor and the digest of its uncompressed form.
func (l layout) layer(compression string, fill func(*tar.Writer) error) (ocispecs.Descriptor, digest.Digest, error) {
	var none ocispecs.Descriptor
	tmp, err := os.CreateTemp(filepath.Join(l.dir, "blobs"), ".layer-")
	if err != nil {
		return none, "", err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	sum := sha256.New()
	packed := io.MultiWriter(tmp, sum)
	media := ocispecs.MediaTypeImageLayer
	var zip io.WriteCloser
	switch compression {
	case "zstd":
		media = ocispecs.MediaTypeImageLayerZstd
		if zip, err = zstd.NewWriter(packed, zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0))); err != nil {
			return none, "", err
		}
	case "gzip":
		media = ocispecs.MediaTypeImageLayerGzip
		zip = gzip.NewWriter(packed)
	case "none":
		zip = nopCloser{packed}
	default:
		return none, "", fmt.Errorf("unknown compression %q", compression)
	}
	plain := sha256.New()
	w := tar.NewWriter(io.MultiWriter(zip, plain))
	if err := fill(w); err != nil {
		return none, "", err
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		return none, "", err
	}
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err != nil {
		return none, "", err
	}
	desc := ocispecs.Descriptor{MediaType: media, Digest: digest.NewDigest(digest.SHA256, sum), Size: size}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Close(), os.Rename(tmp.Name(), l.blob(desc.Digest))); err != nil {
		return none, "", err
	}
	return desc, digest.NewDigest(digest.SHA256, plain), nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (l layout) blob(d digest.Digest) string {
	return filepath.Join(l.dir, "blobs", d.Algorithm().String(), d.Encoded())
}

// put writes a JSON document as a blob.
func (l layout) put(media string, document any) (ocispecs.Descriptor, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	d := digest.FromBytes(data)
	return ocispecs.Descriptor{MediaType: media, Digest: d, Size: int64(len(data))}, replaceFile(l.blob(d), data)
}

// image writes configuration, manifest and index.
func (l layout) image(layer ocispecs.Descriptor, diffID digest.Digest, configPath, name string) (digest.Digest, error) {
	config := map[string]any{}
	if configPath != "" {
		data, err := os.ReadFile(configPath)
		if err != nil {
			return "", err
		}
		if err := json.Unmarshal(data, &config); err != nil {
			return "", fmt.Errorf("%s: %w", configPath, err)
		}
	}
	for key, value := range map[string]string{"architecture": runtime.GOARCH, "os": "linux"} {
		if config[key] == nil {
			config[key] = value
		}
	}
	config["rootfs"] = map[string]any{"type": "layers", "diff_ids": []digest.Digest{diffID}}
	delete(config, "history") // it would have to fit the layers
	configDesc, err := l.put(ocispecs.MediaTypeImageConfig, config)
	if err != nil {
		return "", err
	}
	manifest, err := l.put(ocispecs.MediaTypeImageManifest, ocispecs.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest, Config: configDesc, Layers: []ocispecs.Descriptor{layer},
	})
	if err != nil {
		return "", err
	}
	if name != "" {
		manifest.Annotations = map[string]string{ocispecs.AnnotationRefName: name, "io.containerd.image.name": name}
	}
	return manifest.Digest, l.index(manifest)
}

// index makes an image the one of the layout.
func (l layout) index(manifest ocispecs.Descriptor) error {
	index := ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex, Manifests: []ocispecs.Descriptor{manifest}}
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	marker := fmt.Appendf(nil, `{"imageLayoutVersion":%q}`, ocispecs.ImageLayoutVersion)
	return errors.Join(
		replaceFile(filepath.Join(l.dir, ocispecs.ImageLayoutFile), marker),
		replaceFile(filepath.Join(l.dir, ocispecs.ImageIndexFile), data),
	)
}

// replaceFile writes a file so that no reader ever sees half of it.
func replaceFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	return errors.Join(err, tmp.Chmod(0o644), tmp.Close(), os.Rename(tmp.Name(), name))
}

// entryWriter writes the entries of a layer.
type entryWriter struct {
	w     *tar.Writer
	mtime int64
}

func (e *entryWriter) header(h *tar.Header) error {
	if e.mtime >= 0 {
		h.ModTime = unixTime(e.mtime)
	}
	h.Uname, h.Gname = "", "" // numbers count: names would be looked up
	h.AccessTime, h.ChangeTime = zeroTime, zeroTime
	h.Format = tar.FormatPAX
	return e.w.WriteHeader(h)
}

func (e *entryWriter) files(files map[string]string) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		data, err := os.ReadFile(files[name])
		if err != nil {
			return err
		}
		if err := e.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(data))}); err != nil {
			return err
		}
		if _, err := e.w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// archive copies a tar archive in its own order. Devices are left out: a container gets its own, and making them
// takes rights that an engine in a sandbox does not have.
func (e *entryWriter) archive(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	plain, err := decompress(f)
	if err != nil {
		return err
	}
	r := tar.NewReader(plain)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		dir := h.Typeflag == tar.TypeDir
		h.Name = strings.Trim(path.Clean("/"+h.Name), "/")
		if h.Name == "" || h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock || h.Typeflag == tar.TypeFifo {
			continue
		}
		if dir {
			h.Name += "/"
		}
		if h.Typeflag == tar.TypeLink {
			h.Linkname = strings.Trim(path.Clean("/"+h.Linkname), "/")
		}
		for key := range h.PAXRecords {
			if !strings.HasPrefix(key, "SCHILY.xattr.") {
				delete(h.PAXRecords, key)
			}
		}
		if err := e.header(h); err != nil {
			return err
		}
		if _, err := io.Copy(e.w, r); err != nil {
			return err
		}
	}
}

var gzipMagic, zstdMagic = []byte{0x1f, 0x8b}, []byte{0x28, 0xb5, 0x2f, 0xfd}

func decompress(f *os.File) (io.Reader, error) {
	magic := make([]byte, 4)
	n, err := io.ReadFull(f, magic)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic[:n], gzipMagic):
		return gzip.NewReader(f)
	case bytes.HasPrefix(magic[:n], zstdMagic):
		return zstd.NewReader(f)
	}
	return f, nil
}

// tree writes a directory, sorted by path.
func (e *entryWriter) tree(root string) error {
	links := map[fileID]string{}
	return filepath.WalkDir(root, func(file string, d os.DirEntry, err error) error {
		if err != nil || file == root {
			return err
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		if st.Mode()&(os.ModeDevice|os.ModeNamedPipe|os.ModeSocket) != 0 {
			return nil
		}
		link := ""
		if st.Mode()&os.ModeSymlink != 0 {
			if link, err = os.Readlink(file); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(st, link)
		if err != nil {
			return err
		}
		h.Name = name
		if st.IsDir() {
			h.Name += "/"
		}
		if st.Mode().IsRegular() {
			if id, shared := identify(st); shared {
				if first, seen := links[id]; seen {
					h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
					return e.header(h)
				}
				links[id] = name
			}
			if caps := capabilities(file); caps != "" {
				h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": caps}
			}
		}
		if err := e.header(h); err != nil || !st.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(e.w, f)
		return err
	})
}
