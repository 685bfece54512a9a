package rest

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/jars"
)

func isMultipart(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && strings.HasPrefix(kind, "multipart/")
}

// drain reads a body to its end, so that a client which sends all of it before it listens hears the answer.
func drain(body io.Reader) error {
	_, err := io.Copy(io.Discard, body)
	return err
}

func (s *Server) uploadJar(c *call) (any, error) {
	reader, err := c.request.MultipartReader()
	if err != nil {
		return nil, errors.Join(drain(c.request.Body), badRequest("Exactly 1 file must be sent, received 0."))
	}
	received, err := receiveParts(s.jars, reader)
	if err != nil {
		return nil, uploadRefused(c, err)
	}
	if len(received) != 1 {
		for _, jar := range received {
			if err := s.jars.Delete(jar.ID); err != nil {
				return nil, err
			}
		}
		return nil, badRequest("Exactly 1 file must be sent, received %d.", len(received))
	}
	return answer.Uploaded{File: received[0].Path, Status: "success"}, nil
}

// noting remembers why it could not be read further, so that a fault of the client is told from one of the disk.
type noting struct {
	io.Reader
	failure error
}

func (n *noting) Read(to []byte) (int, error) {
	count, err := n.Reader.Read(to)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		n.failure = err
	}
	return count, err
}

// notWhole makes the answer to a form that cannot be read.
func notWhole(err error) error {
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return err
	}
	return badRequest("The upload has not arrived whole, or is no form: %v", err)
}

// mostParts bounds the parts of a request.
const mostParts = 16

// receiveParts stores the files among the parts of a request; if one cannot be stored none stays.
func receiveParts(store *jars.Store, reader *multipart.Reader) (received []jars.Jar, err error) {
	defer func() {
		if err != nil {
			for _, jar := range received {
				err = errors.Join(err, store.Delete(jar.ID))
			}
			received = nil
		}
	}()
	for range mostParts {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return received, nil
		}
		if err != nil {
			return received, notWhole(err)
		}
		if part.FileName() == "" { // a field of a form
			if err := drain(part); err != nil {
				return received, notWhole(err)
			}
			continue
		}
		digest, err := contentDigest(part.Header)
		if err != nil {
			return received, err
		}
		source := &noting{Reader: part}
		jar, err := store.Receive(part.FileName(), source, digest)
		if source.failure != nil {
			return received, notWhole(source.failure)
		}
		if err != nil {
			return received, err
		}
		received = append(received, jar)
	}
	return received, badRequest("The upload has more than %d parts.", mostParts)
}

// contentDigest reads the SHA-256 of a part's Content-Digest (RFC 9530), "sha-256=:BASE64:"; nil if there is none.
func contentDigest(header textproto.MIMEHeader) ([]byte, error) {
	for _, entry := range strings.Split(header.Get("Content-Digest"), ",") {
		encoded, ok := strings.CutPrefix(strings.TrimSpace(entry), "sha-256=:")
		if !ok {
			continue
		}
		digest, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(encoded, ":"))
		if err != nil || len(digest) != 32 {
			return nil, badRequest("The upload's Content-Digest cannot be read.")
		}
		return digest, nil
	}
	return nil, nil
}

// uploadRefused makes the answer to an upload that was not stored.
func uploadRefused(c *call, err error) error {
	var tooBig *http.MaxBytesError
	var known *refusal
	switch {
	case errors.Is(err, jars.ErrTooBig), errors.As(err, &tooBig), errors.As(err, &known):
		return err
	case errors.Is(err, jars.ErrName):
		return errors.Join(badRequest("Only Jar files are allowed. A job binary is taken for one if its name ends in .jar."), ignored(drain(c.request.Body)))
	case errors.Is(err, jars.ErrDigest):
		return badRequest("The upload is damaged: %v.", err)
	}
	return err
}

// ignored drops an error that says nothing to whoever gets the answer.
func ignored(error) error { return nil }
