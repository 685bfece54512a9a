// Package buildinfo tells which version of its source the running binary was built from.
package buildinfo

import "runtime/debug"

// Revision returns the revision of the version control system that the program was built from, with "-dirty" behind it if files had
// changed since; otherwise the version of its main module. It is empty if neither is known, as in tests.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return revisionOf(info)
}

func revisionOf(info *debug.BuildInfo) string {
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "-dirty"
			}
		}
	}
	switch {
	case revision != "":
		return revision + dirty
	case info.Main.Version != "(devel)":
		return info.Main.Version
	}
	return ""
}
