package process

import (
	"slices"
	"strings"
)

// passed are the variables of a JobManager's or TaskManager's environment that job binaries see: what Go, the operating system and the clients of
// object stores look at, in which a worker keeps its checkpoints.
var passed = []string{
	"PATH", "HOME", "USER", "TMPDIR", "TZ", "LANG", "LC_ALL", "GODEBUG", "GOTRACEBACK", "SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_*",
}

// Environment filters an environment, of name=value each, for a job's binary. More names may be allowed; one that ends with * stands for all that
// begin so. The role's variable is never passed.
func Environment(environ, allowed []string) []string {
	var out []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		matches := func(pattern string) bool { return matches(pattern, name) }
		if name != RoleVariable && (slices.ContainsFunc(passed, matches) || slices.ContainsFunc(allowed, matches)) {
			out = append(out, variable)
		}
	}
	return out
}

func matches(pattern, name string) bool {
	if begin, open := strings.CutSuffix(pattern, "*"); open {
		return strings.HasPrefix(name, begin)
	}
	return pattern == name
}
