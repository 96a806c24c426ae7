"""Certificates of every kind that a broken deployment may have."""

import pathlib

from harness import Authority, run


class ZooAuthority:
    """`good` is what all that is well shows; `make` makes those that are not."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.root = Authority(self.directory / "root")
        self.stranger = Authority(self.directory / "stranger")
        self.count = 0

    def good(self, names, **options):
        self.count += 1
        chain, key = (self.directory / f"good{self.count}.{kind}" for kind in ("pem", "key"))
        self.root.issue(chain, key, names, **options)
        return chain, key

    def make(self, name, *, key="ec", days=90, days_ago=0, then=None, authority=None, san=True,
             usage="serverAuth", ca=False):
        """A certificate for NAME, as if issued DAYS_AGO, or at the time THEN. AUTHORITY: a pair of
        certificate and key, or "self"."""
        self.count += 1
        stem = self.directory / f"made{self.count}"
        chain, secret, request, extensions = (stem.with_suffix(f".{kind}")
                                              for kind in ("pem", "key", "csr", "ext"))
        algorithm = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                     "weak": ["rsa:1024"]}[key]
        run("openssl", "req", "-newkey", *algorithm, "-nodes", "-keyout", secret, "-out", request,
            "-subj", f"/CN={name}")
        extensions.write_text(
            ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n" if ca else
             f"basicConstraints=critical,CA:FALSE\nextendedKeyUsage={usage}\n")
            + (f"subjectAltName=DNS:{name}\n" if san and not ca else "")
            + "subjectKeyIdentifier=hash\n")
        by = (["-signkey", secret] if authority == "self" else
              ["-CA", (authority or (self.root.root, self.root.key))[0],
               "-CAkey", (authority or (self.root.root, self.root.key))[1], "-CAcreateserial"])
        when = then or (f"-{days_ago}d" if days_ago else "")
        run(*(["faketime", "-f", when] if when else []), "openssl", "x509", "-req", "-in", request,
            *by, "-days", days, "-out", chain, "-extfile", extensions)
        return chain, secret

    def chained(self, leaf, *above):
        """LEAF's pair with the certificates ABOVE it in the same file."""
        self.count += 1
        chain = self.directory / f"chain{self.count}.pem"
        chain.write_text("".join(path.read_text() for path in (leaf[0], *above)))
        return chain, leaf[1]
