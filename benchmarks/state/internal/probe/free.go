package probe

import "runtime/debug"

// freeMemory collects twice, since finalizers keep objects for one more cycle, and returns free pages.
func freeMemory() {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
}
