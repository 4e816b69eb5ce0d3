package storage

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

// Filter tells of a file whether it is left out.
type Filter func(path string, info os.FileInfo) bool

// SourceIgnoreFilter leaves out what the patterns name, and what belongs to git itself.
func SourceIgnoreFilter(patterns []gitignore.Pattern, domain []string) Filter {
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	return func(path string, info os.FileInfo) bool {
		return matcher.Match(strings.Split(path, string(filepath.Separator)), info.IsDir())
	}
}

// pack writes the folder's files, without what differs from one checkout of the same commit to the next.
func pack(out io.Writer, folder string, leftOut Filter) error {
	zipped := gzip.NewWriter(out)
	archive := tar.NewWriter(zipped)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if leftOut != nil && leftOut(path, info) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		return add(archive, folder, path, info)
	})
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func add(archive *tar.Writer, folder, path string, info os.FileInfo) error {
	name, err := filepath.Rel(folder, path)
	if err != nil {
		return err
	}
	header := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm())}
	switch {
	case info.IsDir():
		header.Typeflag = tar.TypeDir
		return archive.WriteHeader(header)
	case !info.Mode().IsRegular():
		return nil
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(archive, file)
	return err
}
