package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// fail wraps an error of the library or of the network as the contract wants it.
func (s *Store) fail(op, name string, err error) error {
	var known *storage.Error
	if errors.As(err, &known) {
		return err
	}
	kind, advice := classify(err)
	return &storage.Error{Kind: kind, Op: op, Store: s.place, Object: name, Err: err, Advice: advice}
}

// answer is the service's answer that the error stands for; the zero value if there was none.
func answer(err error) minio.ErrorResponse {
	var response minio.ErrorResponse
	errors.As(err, &response)
	return response
}

// taken reports whether a conditional write found the name taken.
func taken(err error) bool {
	return answer(err).StatusCode == http.StatusPreconditionFailed || answer(err).Code == minio.PreconditionFailed
}

// notSent reports whether a request that failed can have had no effect: it was refused or never reached the service.
func notSent(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return true
	}
	status := answer(err).StatusCode
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout
}

// worthRepeating reports whether the same request may succeed in a moment.
func worthRepeating(err error) bool {
	kind := storage.KindOf(err)
	return kind == storage.Transient || kind == storage.Damaged && mangled(answer(err).Code)
}

// mangled reports whether the service found that the bytes do not have the checksum that was sent.
func mangled(code string) bool {
	return code == "BadDigest" || code == "XAmzContentChecksumMismatch" || code == "XMinioInvalidChecksum"
}

func classify(err error) (storage.Kind, string) {
	if kind, advice, ok := classifyCode(answer(err).Code); ok {
		return kind, advice
	}
	switch status := answer(err).StatusCode; {
	case status == http.StatusNotFound:
		return storage.NotFound, ""
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return storage.Refused, adviceAccess
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status == http.StatusConflict:
		return storage.Transient, ""
	case status == http.StatusInsufficientStorage:
		return storage.Transient, adviceFull
	case status == http.StatusNotImplemented || status >= 300 && status < 500:
		return storage.Refused, "the service does not understand the request: is s3.endpoint (or AWS_ENDPOINT_URL) that of S3 or MinIO, not of its console?"
	case status != 0:
		return storage.Transient, ""
	}
	return classifyConnection(err)
}

const (
	adviceAccess = "check s3.access-key and s3.secret-key or the credentials of the environment, and that they may read, write, list and delete below the path"
	adviceRegion = "check s3.region (or AWS_REGION) and s3.endpoint (or AWS_ENDPOINT_URL)"
	adviceFull   = "free space in the service, or retain fewer checkpoints (execution.checkpointing.num-retained)"
)

func classifyCode(code string) (storage.Kind, string, bool) {
	switch code {
	case minio.NoSuchKey:
		return storage.NotFound, "", true
	case minio.NoSuchBucket:
		return storage.Refused, "create the bucket, or correct the location", true
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AllAccessDisabled", "AccountProblem":
		return storage.Refused, adviceAccess, true
	case "RequestTimeTooSkewed":
		return storage.Refused, "set the clock of this machine", true
	case "AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect", "IllegalLocationConstraintException":
		return storage.Refused, adviceRegion, true
	case "ExpiredToken", "ExpiredTokenException", "SlowDown", "SlowDownWrite", "SlowDownRead", "RequestTimeout", "Throttling", "OperationAborted", "ConditionalRequestConflict":
		return storage.Transient, "", true
	case "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded":
		return storage.Transient, adviceFull, true
	}
	if mangled(code) {
		return storage.Damaged, "the bytes changed on their way, or the file changed while it was sent", true
	}
	return 0, "", false
}

// classifyConnection is about requests that got no answer.
func classifyConnection(err error) (storage.Kind, string) {
	var (
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		invalid     x509.CertificateInvalidError
		certificate *tls.CertificateVerificationError
		lookup      *net.DNSError
	)
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return storage.Transient, ""
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid), errors.As(err, &certificate):
		return storage.Refused, "the service's certificate is not trusted: add its authority to the system's, or name its file in SSL_CERT_FILE"
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return storage.Refused, "the service does not speak https: begin s3.endpoint with http://"
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return storage.Transient, "no such host: check s3.endpoint (or AWS_ENDPOINT_URL)"
	case notSent(err):
		return storage.Transient, "the service cannot be reached: is it up, and is s3.endpoint (or AWS_ENDPOINT_URL) right?"
	}
	return storage.Transient, ""
}
