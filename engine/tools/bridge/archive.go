package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	digest "github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDocument is more than any manifest or configuration has.
const maxDocument = 16 << 20

// importArchive unpacks an image archive (OCI, or that of `docker save`) into the layout and returns the digest of the image with the
// tag, or of the only one.
func (l layout) importArchive(name, tag string) (digest.Digest, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	plain, err := decompress(f)
	if err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(l.dir, ".import-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	if err := unpackFlat(plain, tmp); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if _, err := os.Stat(filepath.Join(tmp, ocispecs.ImageIndexFile)); err == nil {
		return l.importOCI(tmp, tag)
	}
	return l.importDocker(tmp, tag)
}

// unpackFlat writes the regular files of an archive; links between them, which `docker save` has, are followed.
func unpackFlat(r io.Reader, dir string) error {
	links := map[string]string{}
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		name := strings.Trim(path.Clean("/"+h.Name), "/")
		switch h.Typeflag {
		case tar.TypeReg:
			if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
				return err
			}
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return err
			}
			_, err = io.Copy(f, t)
			if err := errors.Join(err, f.Close()); err != nil {
				return err
			}
		case tar.TypeSymlink:
			links[name] = strings.Trim(path.Join("/", path.Dir(name), h.Linkname), "/")
		case tar.TypeLink:
			links[name] = strings.Trim(path.Clean("/"+h.Linkname), "/")
		}
	}
	for name, target := range links {
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
			return err
		}
		if err := os.Link(filepath.Join(dir, target), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func (l layout) importOCI(from, tag string) (digest.Digest, error) {
	index, err := readDocument[ocispecs.Index](filepath.Join(from, ocispecs.ImageIndexFile))
	if err != nil {
		return "", err
	}
	var found []ocispecs.Descriptor
	for _, m := range index.Manifests {
		if tag == "" || m.Annotations[ocispecs.AnnotationRefName] == tag || m.Annotations["io.containerd.image.name"] == tag {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d images in the archive are called %q", len(found), tag)
	}
	blobs, err := filepath.Glob(filepath.Join(from, "blobs", "sha256", "*"))
	if err != nil {
		return "", err
	}
	for _, blob := range blobs {
		if err := l.take(blob, digest.NewDigestFromEncoded(digest.SHA256, filepath.Base(blob))); err != nil {
			return "", err
		}
	}
	return found[0].Digest, l.index(found[0])
}

// dockerImage is an entry of the manifest.json of `docker save`.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (l layout) importDocker(from, tag string) (digest.Digest, error) {
	images, err := readDocument[[]dockerImage](filepath.Join(from, "manifest.json"))
	if err != nil {
		return "", fmt.Errorf("neither an OCI nor a Docker image archive: %w", err)
	}
	var found []dockerImage
	for _, i := range images {
		matches := tag == ""
		for _, t := range i.RepoTags {
			matches = matches || t == tag
		}
		if matches {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d images in the archive are called %q", len(found), tag)
	}
	inside := func(name string) string { return filepath.Join(from, path.Clean("/"+name)) }
	manifest := ocispecs.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest}
	if manifest.Config, err = l.add(inside(found[0].Config), ocispecs.MediaTypeImageConfig); err != nil {
		return "", err
	}
	for _, layer := range found[0].Layers {
		media, err := layerType(inside(layer))
		if err != nil {
			return "", err
		}
		desc, err := l.add(inside(layer), media)
		if err != nil {
			return "", err
		}
		manifest.Layers = append(manifest.Layers, desc)
	}
	image, err := readDocument[ocispecs.Image](l.blob(manifest.Config.Digest))
	if err != nil {
		return "", err
	}
	desc, err := l.put(ocispecs.MediaTypeImageManifest, manifest)
	if err != nil {
		return "", err
	}
	platform := platforms.Normalize(image.Platform)
	desc.Platform = &platform
	if len(found[0].RepoTags) > 0 {
		desc.Annotations = map[string]string{ocispecs.AnnotationRefName: found[0].RepoTags[0]}
	}
	return desc.Digest, l.index(desc)
}

func layerType(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil {
		return "", err
	}
	switch {
	case bytes.HasPrefix(magic, gzipMagic):
		return ocispecs.MediaTypeImageLayerGzip, nil
	case bytes.HasPrefix(magic, zstdMagic):
		return ocispecs.MediaTypeImageLayerZstd, nil
	}
	return ocispecs.MediaTypeImageLayer, nil
}

// add makes a file a blob.
func (l layout) add(file, media string) (ocispecs.Descriptor, error) {
	f, err := os.Open(file)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	defer f.Close()
	d, err := digest.FromReader(f)
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	st, err := f.Stat()
	if err != nil {
		return ocispecs.Descriptor{}, err
	}
	// Linked, not moved: two layers of `docker save` may be one file.
	if err := os.Link(file, l.blob(d)); err != nil && !os.IsExist(err) {
		return ocispecs.Descriptor{}, err
	}
	return ocispecs.Descriptor{MediaType: media, Digest: d, Size: st.Size()}, nil
}

// take moves a blob into the layout if it is what its name says.
func (l layout) take(file string, want digest.Digest) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := digest.FromReader(f)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("blob %s has the contents of %s", want, got)
	}
	return os.Rename(file, l.blob(want))
}

func readDocument[T any](file string) (T, error) {
	var document T
	f, err := os.Open(file)
	if err != nil {
		return document, err
	}
	defer f.Close()
	err = json.NewDecoder(io.LimitReader(f, maxDocument)).Decode(&document)
	return document, err
}
