package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// binary is a job's program on this machine.
type binary struct {
	// Path is the file, and Name what it is called.
	Path, Name string
	// Revision is that of its source, empty if it is not known; Dirty says that files had changed since.
	Revision string
	Dirty    bool
	// folder is removed when the binary is no longer needed; empty if it is not ours.
	folder string
}

func (p *binary) close() {
	if p.folder != "" {
		os.RemoveAll(p.folder)
	}
}

// said is the binary in words.
func (p *binary) said() string {
	switch {
	case p.Revision == "":
		return p.Name + ", whose revision is not known"
	case p.Dirty:
		return p.Name + " at revision " + p.Revision + " with changes that are not committed"
	}
	return p.Name + " at revision " + p.Revision
}

// prepare makes a binary of what a command line names: a binary, a package, or package@revision of the git repository that the package is in.
// platform is that of the cluster, such as linux/amd64.
func prepare(ctx context.Context, what, platform string) (*binary, error) {
	if info, err := os.Stat(what); err == nil && info.Mode().IsRegular() {
		return (&binary{Path: what, Name: filepath.Base(what)}).identify()
	}
	folder, err := os.MkdirTemp("", "weir-build-*")
	if err != nil {
		return nil, err
	}
	p := &binary{folder: folder}
	name, revision, fixed := strings.Cut(what, "@")
	where := ""
	if fixed {
		tree, err := checkOut(ctx, name, revision, filepath.Join(folder, "source"))
		if err != nil {
			p.close()
			return nil, err
		}
		name, where = ".", tree
	}
	p.Path = filepath.Join(folder, "job")
	if err := build(ctx, where, name, p.Path, platform); err != nil {
		p.close()
		return nil, err
	}
	p.Name = filepath.Base(strings.TrimRight(strings.TrimSuffix(what, "@"+revision), "/"))
	if p.Name == "." || p.Name == ".." {
		if full, err := filepath.Abs(strings.TrimSuffix(what, "@"+revision)); err == nil {
			p.Name = filepath.Base(full)
		}
	}
	return p.identify()
}

// identify reads of which source the binary was built.
func (p *binary) identify() (*binary, error) {
	info, err := buildinfo.ReadFile(p.Path)
	if err != nil {
		p.close()
		return nil, fmt.Errorf("%s is no Go program, nor a package: %w", p.Path, err)
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			p.Revision = s.Value
		case "vcs.modified":
			p.Dirty = s.Value == "true"
		}
	}
	return p, nil
}

// build has the go tool build a package for a platform, and stamp it with the revision of its source. It runs in the folder, or here if that is empty.
func build(ctx context.Context, folder, name, to, platform string) error {
	out, err := goBuild(ctx, folder, name, to, platform, "-buildvcs=auto")
	if err != nil && bytes.Contains(out, []byte("-buildvcs=false")) { // git does not answer here, and the go tool says how to do without
		out, err = goBuild(ctx, folder, name, to, platform, "-buildvcs=false")
	}
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("build %s: the go tool is not here: build the job elsewhere, and give weir the binary", name)
	case err != nil:
		return fmt.Errorf("build %s for %s: %w\n%s", name, platform, err, bytes.TrimSpace(out))
	}
	return nil
}

func goBuild(ctx context.Context, folder, name, to, platform, stamp string) ([]byte, error) {
	system, architecture, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(ctx, "go", "build", stamp, "-o", to, name)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+architecture)
	return cmd.CombinedOutput()
}

// checkOut puts a revision of the repository that a package's folder is in beside it, and returns the package's folder there.
func checkOut(ctx context.Context, folder, revision, to string) (there string, err error) {
	if revision == "" {
		return "", fmt.Errorf("%s@: want a revision of its git repository behind the @", folder)
	}
	top, err := git(ctx, folder, "rev-parse", "--show-toplevel")
	if err != nil {
		return "", fmt.Errorf("%s@%s: %w", folder, revision, err)
	}
	inside, err := git(ctx, folder, "rev-parse", "--show-prefix")
	commit := ""
	if err == nil {
		commit, err = git(ctx, folder, "rev-parse", "--verify", "--end-of-options", revision+"^{commit}")
	}
	if err == nil { // a clone that shares the objects, since the go tool does not stamp what it builds in a worktree
		_, err = git(ctx, top, "clone", "--quiet", "--shared", "--no-checkout", top, to)
	}
	if err == nil {
		_, err = git(ctx, to, "checkout", "--quiet", "--detach", commit)
	}
	if err != nil {
		return "", fmt.Errorf("%s@%s: %w", folder, revision, err)
	}
	return filepath.Join(to, inside), nil
}

func git(ctx context.Context, folder string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", arguments...)
	cmd.Dir = folder
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return "", fmt.Errorf("git %s: %s", arguments[0], bytes.TrimSpace(failed.Stderr))
	}
	return strings.TrimSpace(string(out)), err
}
