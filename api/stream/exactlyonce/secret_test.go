package exactlyonce

import (
	"net/http"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage/s3/s3fake"
)

// Credentials are in no log and in no error, whatever of them is refused: by the service, or since it is written where it does not belong.
func TestSecretsAreNotSaid(t *testing.T) {
	t.Parallel()
	service := s3fake.New()
	defer service.Close()
	service.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		s3fake.Refuse(w, http.StatusForbidden, "SignatureDoesNotMatch")
		return true
	}
	for name, test := range map[string]struct {
		properties []string
		says       string
	}{
		"refused by the service":      {nil, "SignatureDoesNotMatch"},
		"in the endpoint":             {[]string{"s3.endpoint=http://key:" + secret + "@minio:9000"}, "s3.endpoint"},
		"in an endpoint that is none": {[]string{"s3.endpoint=http://key:" + secret + "%zz@minio:9000"}, "s3.endpoint"},
		"in the location":             {[]string{"execution.checkpointing.dir=s3://key:" + secret + "@checkpoints/a"}, "s3.access-key"},
		"in the place to begin at":    {[]string{"execution.state-recovery.path=s3://key:" + secret + "@checkpoints/a"}, "s3.access-key"},
		"in a key that is none":       {[]string{"s3.secret-kee=" + secret}, "SignatureDoesNotMatch"},
		"without the other":           {[]string{"s3.access-key="}, "s3.secret-key"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, "hashmap")
			options := []option{in(service)}
			for _, p := range test.properties {
				options = append(options, property(p))
			}
			said := j.isRefused(options...)
			if strings.Contains(said, secret) || strings.Contains(said, "AWS4-HMAC") || !strings.Contains(said, test.says) {
				t.Error(said)
			}
		})
	}
}
