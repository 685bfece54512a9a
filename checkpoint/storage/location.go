package storage

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Scheme is the kind of store that a [Location] is in.
type Scheme string

// The schemes.
const (
	SchemeFile   Scheme = "file"
	SchemeS3     Scheme = "s3"
	SchemeMemory Scheme = "mem"
)

// Location is a folder or an object in some store: what a user writes for a checkpoint folder or a savepoint. It is comparable, and
// two locations that are written differently but are the same place are equal.
type Location struct {
	Scheme Scheme
	// Bucket is that of S3, and the name of a store in memory.
	Bucket string
	// Path is absolute for files and begins without a slash elsewhere. It has no empty, "." or ".." parts.
	Path string
}

// Parse reads file:///path, file:/path or a plain absolute path; s3://bucket/path, also with s3a and s3p, Flink's names for the same; and
// mem://name/path.
//
// What stands before an @ in it, perhaps credentials, is refused and not shown.
func Parse(text string) (Location, error) {
	if before, _, found := strings.Cut(text, "@"); found {
		if scheme, authority, url := strings.Cut(before, "://"); url && !strings.Contains(authority, "/") {
			return Location{}, fmt.Errorf("location %s://(hidden)@...: credentials and endpoints belong into the configuration (s3.access-key, s3.secret-key, s3.endpoint)", scheme)
		}
	}
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || strings.ContainsAny(scheme, "/ ") {
		scheme, rest = "file", text
	}
	switch strings.ToLower(scheme) {
	case "file":
		return parseFile(text, rest)
	case "s3", "s3a", "s3p":
		return parseBucket(SchemeS3, text, rest)
	case "mem":
		return parseBucket(SchemeMemory, text, rest)
	}
	return Location{}, fmt.Errorf("location %q: scheme %q is not supported: use file:///path, a plain absolute path or s3://bucket/path", text, scheme)
}

func parseFile(text, rest string) (Location, error) {
	if authority, ok := strings.CutPrefix(rest, "//"); ok {
		host, p, found := strings.Cut(authority, "/")
		if host != "" && host != "localhost" || !found {
			return Location{}, fmt.Errorf("location %q: a file on another machine: write three slashes, as in file:///path", text)
		}
		rest = "/" + p
	}
	if !strings.HasPrefix(rest, "/") {
		return Location{}, fmt.Errorf("location %q: the path must be absolute, since processes with other working folders use it too", text)
	}
	if strings.HasPrefix(text, "file:") {
		// Only a URL is escaped; in a plain path a percent sign is one.
		plain, err := url.PathUnescape(rest)
		if err != nil {
			return Location{}, fmt.Errorf("location %q: %w", text, err)
		}
		rest = plain
	}
	if strings.ContainsRune(rest, 0) {
		return Location{}, fmt.Errorf("location %q: a path cannot hold a zero byte", text)
	}
	return Location{Scheme: SchemeFile, Path: path.Clean(rest)}, nil
}

func parseBucket(scheme Scheme, text, rest string) (Location, error) {
	authority, ok := strings.CutPrefix(rest, "//")
	bucket, p, _ := strings.Cut(authority, "/")
	if !ok || bucket == "" {
		return Location{}, fmt.Errorf("location %q: expected %s://%s/path", text, scheme, map[Scheme]string{SchemeS3: "bucket", SchemeMemory: "name"}[scheme])
	}
	if strings.ContainsAny(bucket, "@:?#\\ ") {
		return Location{}, fmt.Errorf("location %q: %q is not the name of a bucket; credentials and endpoints belong into the configuration (s3.access-key, s3.endpoint)", text, bucket)
	}
	p = strings.Trim(path.Clean("/"+p), "/")
	return Location{Scheme: scheme, Bucket: bucket, Path: p}, nil
}

// String returns the location in the form that [Parse] reads.
func (l Location) String() string {
	if l.Scheme == SchemeFile {
		return "file://" + (&url.URL{Path: l.Path}).EscapedPath()
	}
	if l.Path == "" {
		return string(l.Scheme) + "://" + l.Bucket
	}
	return string(l.Scheme) + "://" + l.Bucket + "/" + l.Path
}

// Join returns the location of name below l. The name may lead upwards, as those in a checkpoint's metadata do.
func (l Location) Join(name string) Location {
	l.Path = path.Join("/"+l.Path, name)
	if l.Scheme != SchemeFile {
		l.Path = strings.TrimPrefix(l.Path, "/")
	}
	return l
}

// Split returns the folder that l is in and the name of l in it. The name is empty at the root.
func (l Location) Split() (folder Location, name string) {
	folder = l.Join("..")
	if folder == l {
		return l, ""
	}
	return folder, path.Base(l.Path)
}
