package config

// Options of TLS and of who may use the REST API. Certificates and keys are files in PEM, which are read again when they have changed.
var (
	InternalTLS = declare(Security, "security.ssl.internal.enabled", false, boolean(),
		"Whether JobManager, TaskManagers and workers encrypt what they say to each other, and show each other certificates: control messages, binaries of jobs, and records. "+
			"Names in these certificates are not looked at: whoever has one of the authorities in `security.ssl.internal.ca-file` belongs to the cluster, so each cluster should have an authority of its own.")

	InternalCertificate = declare(Security, "security.ssl.internal.certificate-file", "", location(),
		"The certificate that a process shows to others of the cluster, with the chain behind it, for use as server and as client. Job binaries read it too.").
		computed(func() string { return "" }, "none")

	InternalKey = declare(Security, "security.ssl.internal.key-file", "", location(),
		"The key of that certificate.").
		computed(func() string { return "" }, "none")

	InternalAuthorities = declare(Security, "security.ssl.internal.ca-file", "", location(),
		"Certificates of the authorities whose signature makes a process one of the cluster.").
		computed(func() string { return "" }, "none")

	BlobTLS = declare(Security, "blob.service.ssl.enabled", true, boolean(),
		"False leaves the transfer of binaries without TLS, although `security.ssl.internal.enabled` is set.")

	DataTLS = declare(Security, "taskmanager.data.ssl.enabled", true, boolean(),
		"False leaves the exchange of records without TLS, although `security.ssl.internal.enabled` is set.")

	RESTTLS = declare(Security, "security.ssl.rest.enabled", false, boolean(),
		"Whether the REST API is served with TLS, and the command line uses it.")

	RESTAuthentication = declare(Security, "security.ssl.rest.authentication-enabled", false, boolean(),
		"Whether clients of the REST API have to show a certificate of the authorities in `security.ssl.rest.ca-file`.")

	RESTCertificate = declare(Security, "security.ssl.rest.certificate-file", "", location(),
		"The certificate that the REST API shows, with the chain behind it; the command line shows it too where that is asked for. A server's has to have the names or addresses by which clients reach it.").
		computed(func() string { return "" }, "none")

	RESTKey = declare(Security, "security.ssl.rest.key-file", "", location(),
		"The key of that certificate.").
		computed(func() string { return "" }, "none")

	RESTAuthorities = declare(Security, "security.ssl.rest.ca-file", "", location(),
		"Certificates of the authorities whose signature is trusted: by the server, of clients; by the command line, of the server. Without it the command line trusts whom the system trusts.").
		computed(func() string { return "" }, "none")

	RESTToken = declare(Security, "rest.authentication.token", "", text(),
		"What each request to the REST API has to bear, in its header `Authorization: Bearer`. Whoever can read the configuration or the list of processes can read it: better write "+
			"`rest.authentication.token-file`. The command line looks at the variable WEIR_REST_TOKEN too.").
		computed(func() string { return "" }, "none")

	RESTTokenFile = declare(Security, "rest.authentication.token-file", "", location(),
		"File whose first line is the token, for `rest.authentication.token`.").
		computed(func() string { return "" }, "none")
)

// OfProcesses are the options that concern a cluster's processes alone: job binaries are not told of them.
func OfProcesses() []string {
	return []string{
		RESTToken.Key(), RESTTokenFile.Key(), RESTCertificate.Key(), RESTKey.Key(), RESTAuthorities.Key(),
		InternalCertificate.Key(), InternalKey.Key(), InternalAuthorities.Key(),
	}
}
