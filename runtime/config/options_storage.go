package config

import "time"

// Options of S3, MinIO and other services of their kind, where checkpoints and savepoints may be kept. What is not set comes from the usual
// environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and so on), the shared files in ~/.aws, or the role of the machine.
var (
	// S3AccessKey and S3SecretKey are the credentials.
	S3AccessKey = declare(StateData, "s3.access-key", "", text(),
		"Access key of S3 or MinIO, together with s3.secret-key. Unset, credentials come from the environment (AWS_ACCESS_KEY_ID), the shared file of AWS's tools, or the role of the machine.").
		computed(func() string { return "" }, "from the environment").
		replaces("s3.access.key")

	S3SecretKey = declare(StateData, "s3.secret-key", "", text(),
		"Secret key of S3 or MinIO.").
		computed(func() string { return "" }, "from the environment").
		replaces("s3.secret.key")

	// S3Endpoint is the address of the service.
	S3Endpoint = declare(StateData, "s3.endpoint", "", text(),
		"Address of the service, such as `http://minio:9000`; without a scheme it is https. Unset, it is AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's.").
		computed(func() string { return "" }, "Amazon's")

	// S3Region is the region of the bucket.
	S3Region = declare(StateData, "s3.region", "", text(),
		"Region of the bucket. Unset, it is AWS_REGION, AWS_DEFAULT_REGION, us-east-1 for an endpoint that is not Amazon's, and what the bucket itself says for one that is.").
		computed(func() string { return "" }, "from the environment").
		replaces("s3.endpoint.region")

	// S3PathStyleAccess puts the bucket into the path.
	S3PathStyleAccess = declare(StateData, "s3.path-style-access", false, boolean(),
		"Addresses a bucket as `endpoint/bucket` instead of `bucket.endpoint`. With an endpoint that is not Amazon's this is always so.").
		replaces("s3.path.style.access")

	// StorageObjectTimeout bounds a request.
	StorageObjectTimeout = declare(StateData, "weir.storage.request-timeout", 30*time.Second, duration(),
		"Longest time of one attempt of a request to S3; for each further 32 mb that it moves, as much again. An attempt that takes longer is given up and repeated.").
		that(between(100*time.Millisecond, time.Hour))

	// StorageAttempts is how often a request is made.
	StorageAttempts = declare(StateData, "weir.storage.attempts", 3, integer(),
		"How often a request to S3 is made before it counts as failed, with growing pauses between.").
		that(between(1, 20))

	// StorageRequests bounds what is under way.
	StorageRequests = declare(StateData, "weir.storage.max-concurrent-requests", 16, integer(),
		"Requests of one process to S3 that may be under way at once. More wait.").
		that(between(1, 1024))
)
