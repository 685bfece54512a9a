package rest_test

import (
	"net/url"
	"regexp"
)

var (
	regexpParameter = regexp.MustCompile(`:([A-Za-z]+)`)
	regexpReference = regexp.MustCompile(`#/components/schemas/(\w+)`)
)

// requestURL is the URL of a path as it comes over the network, where it need not be well encoded.
func requestURL(path string) *url.URL {
	if u, err := url.Parse(path); err == nil {
		return u
	}
	return &url.URL{Path: path, RawPath: path}
}
