package launch

import "fmt"

// Role is what a job's binary does in this process.
type Role string

// Local runs the whole job in this process.
const Local Role = "local"

// roleVariable is set by whoever starts a job's binary for another role than the one that a person wants.
const roleVariable = "WEIR_ROLE"

// RoleOf decides the role of a process from its environment.
func RoleOf(getenv func(string) string) (Role, error) {
	switch role := Role(getenv(roleVariable)); role {
	case "", Local:
		return Local, nil
	default:
		return "", fmt.Errorf("%s is %q: this version of Weir knows the role %q only", roleVariable, role, Local)
	}
}
