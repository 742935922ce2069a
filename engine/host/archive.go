package host

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"rp/engine/state"
)

func init() {
	register("archive", kind{read: readArchives, imagine: imagineArchive})
}

const (
	// archiveMax bounds the members of an archive.
	archiveMax = 500_000
	// archiveInline bounds how many bytes of its small members travel with the list.
	archiveInline = 8 << 20
	linkTargetMax = 4096
)

func readArchives(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		a := s.(state.Archive)
		format, es, err := l.listArchive(ctx, a.Source)
		if err != nil {
			return nil, fmt.Errorf("cannot read the archive %s: %w", a.Key().Name, err)
		}
		a.Format, a.Entries = state.Is(format), state.Is(es)
		out[i] = a
	}
	return out, nil
}

// imagineArchive reads a predicted archive from where its bytes will come from.
func imagineArchive(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	a := asked.(state.Archive)
	name, ok := strings.CutPrefix(a.Source.From, "path:")
	if !ok {
		return base, nil
	}
	if _, written := v.mem.get(state.Key{Kind: "file", Name: v.real(ctx, name, false)}); !written {
		return base, nil
	}
	got, err := v.Read(ctx, state.File{Path: name, Content: state.Is(state.Content{})})
	if err != nil {
		return nil, err
	}
	c, known := got[0].(state.File).Content.Get()
	if !known {
		return state.Obscure(a, got[0].(state.File).Content.After()), nil
	}
	if c.Data == nil && c.From == "" { // what the machine has there, with another owner or mode
		return base, nil
	}
	list, err := v.base.Read(ctx, state.Archive{Source: c})
	if err != nil {
		return nil, err
	}
	found := list[0].(state.Archive)
	a.Format, a.Entries = found.Format, found.Entries
	return a, nil
}

// reference is how members name the archive that they are in.
func (l *Linux) reference(ctx context.Context, src state.Content) (string, error) {
	scheme, rest, _ := strings.Cut(src.From, ":")
	switch {
	case scheme == "path":
		return escape(rest), nil
	case src.Data != nil:
		dir, err := l.scratch()
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(l.scratchFile(src.Sum), src.Data, 0o600); err != nil {
			return "", fmt.Errorf("cannot spool: %w", err)
		}
		return escape(dir + "/" + src.Sum), nil
	case scheme == "url":
		return escape("url:" + src.Sum + ":" + rest), nil
	}
	return escape("blob:" + src.Sum), nil
}

// sourceOf is the content that a reference names.
func sourceOf(ref string) state.Content {
	if sum, ok := strings.CutPrefix(ref, "blob:"); ok {
		return state.Content{Sum: sum, Size: -1, From: "blob:"}
	}
	if rest, ok := strings.CutPrefix(ref, "url:"); ok {
		sum, u, _ := strings.Cut(rest, ":")
		return state.Content{Sum: sum, Size: -1, From: "url:" + u}
	}
	return state.Content{Size: -1, From: "path:" + ref}
}

// escape keeps # for what stands between an archive and its member.
func escape(s string) string { return strings.NewReplacer("%", "%25", "#", "%23").Replace(s) }

func unescape(s string) string { return strings.NewReplacer("%23", "#", "%25", "%").Replace(s) }

func (l *Linux) listArchive(ctx context.Context, src state.Content) (string, []state.ArchiveEntry, error) {
	ref, err := l.reference(ctx, src)
	if err != nil {
		return "", nil, err
	}
	m, err := l.openArchive(ctx, src)
	if err != nil || m == nil {
		return "", nil, err
	}
	defer m.close()
	list := lister{ctx: ctx, prefix: m.format() + ":" + ref + "#", at: map[string]int{}, times: map[string]int{}}
	for {
		e, r, err := m.next()
		if errors.Is(err, io.EOF) {
			return m.format(), list.kept(), nil
		}
		if err == nil {
			err = list.add(e, r)
		}
		if err != nil {
			return "", nil, err
		}
	}
}

// lister collects members. Of several with one name the last counts, as when they are unpacked in order.
type lister struct {
	ctx    context.Context
	prefix string
	es     []state.ArchiveEntry
	at     map[string]int // name → index
	times  map[string]int // name → how often it came
	inline int
}

func (l *lister) add(e state.ArchiveEntry, r io.Reader) error {
	name, err := memberName(e.Name)
	if err != nil {
		return err
	}
	if name == "" {
		return nil // the directory itself
	}
	e.Name = name
	l.times[name]++
	if e.Type == state.Regular && r != nil {
		if e.Content, err = sumContent(l.ctx, r); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		if l.inline += len(e.Content.Data); l.inline > archiveInline && e.Content.Size > 0 {
			e.Content.Data = nil
		}
		e.Content.From = l.prefix + escape(name)
		if n := l.times[name]; n > 1 {
			e.Content.From += "#" + strconv.Itoa(n)
		}
	}
	if e.Type == hardLink {
		target, err := memberName(e.Target)
		i, ok := l.at[target]
		if err != nil || !ok || l.es[i].Type != state.Regular {
			return fmt.Errorf("%q is a hard link to %q, which does not come before it", name, e.Target)
		}
		e.Type, e.Target, e.Content = state.Regular, "", l.es[i].Content
	}
	if i, ok := l.at[name]; ok {
		l.es[i].Name = ""
	}
	l.at[name] = len(l.es)
	if l.es = append(l.es, e); len(l.es) > archiveMax {
		return fmt.Errorf("it has more than %d members", archiveMax)
	}
	return nil
}

func (l *lister) kept() []state.ArchiveEntry {
	out := make([]state.ArchiveEntry, 0, len(l.es))
	for _, e := range l.es {
		if e.Name != "" {
			out = append(out, e)
		}
	}
	return out
}

// hardLink is the type of a member that is another name of an earlier one.
const hardLink = "hard link"

// memberName is a member's name, relative; "" for the top itself.
func memberName(name string) (string, error) {
	clean := path.Clean("/" + name)
	for p := range strings.SplitSeq(name, "/") {
		if p == ".." {
			return "", fmt.Errorf("the member %q leads out of the directory", name)
		}
	}
	return strings.TrimPrefix(clean, "/"), nil
}

// members gives an archive's members one after the other.
type members interface {
	// next is the next member and its bytes, nil where it has none; io.EOF at the end.
	next() (state.ArchiveEntry, io.Reader, error)
	format() string
	close()
}

// openArchive opens an archive; nil where it is neither tar nor zip.
func (l *Linux) openArchive(ctx context.Context, src state.Content) (members, error) {
	r, err := l.open(ctx, src)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(during{ctx, r}, 64<<10)
	head, _ := in.Peek(512)
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return l.openZip(r, in)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		return openTar(r, z)
	case bytes.HasPrefix(head, []byte("BZh")):
		return openTar(r, bzip2.NewReader(in))
	case bytes.HasPrefix(head, []byte("\xfd7zXZ")):
		return nil, errors.Join(errors.New("xz compression is not supported yet"), r.Close())
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return nil, errors.Join(errors.New("zstd compression is not supported yet"), r.Close())
	}
	return openTar(r, in)
}

type tarMembers struct {
	src io.Closer
	t   *tar.Reader
	// first is the header that was read to see that this is a tar archive.
	first *tar.Header
}

func openTar(src io.Closer, r io.Reader) (members, error) {
	t := tar.NewReader(r)
	h, err := t.Next()
	switch {
	case errors.Is(err, io.EOF): // an empty archive, if the zeroes are there; an empty file is none
		return nil, src.Close()
	case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, src.Close()
	case err != nil:
		return nil, errors.Join(err, src.Close())
	}
	return &tarMembers{src: src, t: t, first: h}, nil
}

func (m *tarMembers) format() string { return "tar" }

func (m *tarMembers) close() { _ = m.src.Close() }

func (m *tarMembers) next() (state.ArchiveEntry, io.Reader, error) {
	h := m.first
	m.first = nil
	for h == nil || h.Typeflag == tar.TypeXGlobalHeader {
		var err error
		if h, err = m.t.Next(); err != nil {
			return state.ArchiveEntry{}, nil, err
		}
	}
	e := state.ArchiveEntry{
		Name: h.Name, Mode: state.Mode(h.Mode & 0o7777), Owner: h.Uname, Group: h.Gname,
		UID: int64(h.Uid), GID: int64(h.Gid), MTime: h.ModTime.UnixNano(),
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, '\x00', '7':
		e.Type = state.Regular
	case tar.TypeDir:
		e.Type = state.Directory
	case tar.TypeSymlink:
		e.Type, e.Target = state.Link, h.Linkname
	case tar.TypeLink:
		e.Type, e.Target = hardLink, h.Linkname
	case tar.TypeFifo:
		e.Type = state.Fifo
	case tar.TypeChar:
		e.Type = state.CharDev
	case tar.TypeBlock:
		e.Type = state.BlockDev
	default:
		return e, nil, fmt.Errorf("the member %q is of an unknown type %q", h.Name, h.Typeflag)
	}
	return e, m.t, nil
}

type zipMembers struct {
	src  io.Closer
	z    *zip.Reader
	i    int
	open io.ReadCloser
	tmp  string
}

// openZip opens a zip archive, which must be a file: its list stands at its end.
func (l *Linux) openZip(src io.ReadCloser, in io.Reader) (members, error) {
	f, ok := src.(*os.File)
	m := &zipMembers{src: src}
	if !ok {
		dir, err := l.scratch()
		if err == nil {
			f, err = os.CreateTemp(dir, ".zip-")
		}
		if err != nil {
			return nil, errors.Join(err, src.Close())
		}
		m.tmp = f.Name()
		_, err = io.Copy(f, in)
		m.src = f
		if err = errors.Join(err, src.Close()); err != nil {
			m.close()
			return nil, err
		}
	}
	fi, err := f.Stat()
	if err == nil {
		m.z, err = zip.NewReader(f, fi.Size())
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *zipMembers) format() string { return "zip" }

func (m *zipMembers) close() {
	if m.open != nil {
		_ = m.open.Close()
	}
	_ = m.src.Close()
	if m.tmp != "" {
		_ = os.Remove(m.tmp)
	}
}

func (m *zipMembers) next() (state.ArchiveEntry, io.Reader, error) {
	if m.open != nil {
		_ = m.open.Close()
		m.open = nil
	}
	if m.i >= len(m.z.File) {
		return state.ArchiveEntry{}, nil, io.EOF
	}
	f := m.z.File[m.i]
	m.i++
	e := state.ArchiveEntry{Name: f.Name, Type: typeOf(f.Mode()), Mode: modeOf(f.Mode()), MTime: f.Modified.UnixNano()}
	if f.Mode()&fs.ModePerm == 0 { // made where files have no mode
		e.Mode = 0o644
		if e.Type == state.Directory {
			e.Mode = 0o755
		}
	}
	if e.Type == state.Directory {
		return e, nil, nil
	}
	if f.Flags&1 != 0 {
		return e, nil, fmt.Errorf("the member %q is encrypted", f.Name)
	}
	r, err := f.Open()
	if err != nil {
		return e, nil, fmt.Errorf("cannot read the member %q: %w", f.Name, err)
	}
	m.open = r
	if e.Type == state.Link {
		t, err := io.ReadAll(io.LimitReader(r, linkTargetMax))
		e.Target = string(t)
		return e, nil, err
	}
	return e, r, nil
}
