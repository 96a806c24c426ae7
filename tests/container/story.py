"""What comes of deploy/container/Containerfile, started as an engine would: by tests/container.sh, in namespaces of its own.

    story.py DIRECTORY     with `final`, the root, and `about.json`, what the Containerfile says of it
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/scenario"))
from harness import Authority, policy_for, wait_until  # noqa: E402

BUILD = pathlib.Path(sys.argv[1]).resolve()
ABOUT = json.loads((BUILD / "about.json").read_text())
MANIFEST = list(yaml.safe_load_all((SOURCE / "deploy/kubernetes/mtasts-host.yaml").read_text()))
HOST = "mta-sts.example.org"


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


class Machine(unittest.TestCase):
    """One container: its root is only read, and who runs in it has nothing but a number."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(dir=BUILD))
        self.root = self.directory / "root"
        self.root.mkdir()
        # Mount points are made by the engine, in a layer above the image.
        layer = self.directory / "layer"
        layer.mkdir()
        mount("-t", "tmpfs", "tmpfs", layer)
        for name in ("upper", "work"):
            (layer / name).mkdir()
        mount("-t", "overlay", "overlay", "-o",
              f"lowerdir={BUILD}/final,upperdir={layer}/upper,workdir={layer}/work", self.root)
        mount("-t", "proc", "proc", self.root / "proc")
        mount("--rbind", "/dev", self.root / "dev")
        self.process = None
        self.authority = None
        self.addCleanup(self.clear)
        self.log = self.directory / "log"

    def clear(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        subprocess.run(["umount", "--recursive", "--lazy", self.root], check=True)
        subprocess.run(["umount", "--lazy", self.directory / "layer"], check=True)
        shutil.rmtree(self.directory)

    def inside(self, path):
        return self.root / str(path).lstrip("/")

    def bind(self, source, path, read_only=True):
        target = self.inside(path)
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.touch()
        mount("--bind", source, target)
        if read_only:
            mount("-o", "remount,bind,ro", target)

    def enter(self, command):
        user, group = ABOUT["USER"][0].split(":")
        return ["chroot", self.root, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "setpriv", f"--reuid={user}",
                f"--regid={group}", f"--groups={group}", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs",
                *command]

    def start(self, arguments=None, check=("mtasts-host", "status", "--wait-ready=2s")):
        mount("-o", "remount,ro", self.root)
        command = [*ABOUT["ENTRYPOINT"], *(ABOUT["CMD"] if arguments is None else arguments)]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.enter(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            self.assertIsNone(self.process.poll(), self.log.read_text())
            return self.run_inside(*check).returncode == 0

        wait_until(ready, "it has loaded all", 30)

    def run_inside(self, *command):
        return subprocess.run(self.enter(command), capture_output=True, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=60), 0, self.log.read_text())

    def fetch(self, port=8443):
        context = ssl.create_default_context(cafile=self.authority.root)
        with socket.create_connection(("127.0.0.1", port)) as plain, \
                context.wrap_socket(plain, server_hostname=HOST) as client:
            client.sendall(f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return client.makefile("rb").read().decode(), client.getpeercert()["serialNumber"]

    def wait_served(self, text):
        def served():
            try:
                return text in self.fetch()[0]
            except OSError:
                return False

        wait_until(served, f"{text} is served", 20)

    def issue(self):
        """Chain and key, as a CA has them for us."""
        self.authority = self.authority or Authority(self.directory / "ca")
        chain, key = self.directory / "chain.pem", self.directory / "key.pem"
        self.authority.issue(chain, key, [HOST])
        return {"tls.crt": chain.read_text(), "tls.key": key.read_text()}


class Container(Machine):
    def test_the_image_as_it_is(self):
        # An engine makes a volume for each VOLUME that nobody mounts, as what the image has there.
        volume, [path] = self.directory / "volume", ABOUT["VOLUME"]
        shutil.copytree(self.inside(path), volume)
        shutil.copystat(self.inside(path), volume)
        os.chown(volume, self.inside(path).stat().st_uid, self.inside(path).stat().st_gid)
        self.bind(volume, path, read_only=False)
        self.start()
        done = self.run_inside(*ABOUT["HEALTHCHECK"])
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_inside("mtasts-host", "status")
        self.assertEqual(done.returncode, 0, done.stdout)
        for port in ABOUT["EXPOSE"]:
            socket.create_connection(("127.0.0.1", int(port))).close()
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertEqual(fields["Uid"].split(), [ABOUT["USER"][0].split(":")[0]] * 4)
        self.assertEqual(int(fields["CapBnd"], 16), 0)
        self.assertNotEqual(self.run_inside("touch", "/tmp/x").returncode, 0, "the root can be written to")
        self.stop()
        self.assertNotEqual(self.run_inside(*ABOUT["HEALTHCHECK"]).returncode, 0, "healthy without a server")

    def serve_with_a_volume(self, mode):
        policies, volume = self.directory / "policies.d", self.directory / "volume"
        certs = self.directory / "certs"
        for path in (policies, volume, certs, certs / HOST):
            path.mkdir()
        user, group = map(int, ABOUT["USER"][0].split(":"))
        os.chown(volume, user if mode == 0o700 else 0, group)
        volume.chmod(mode)
        for name, text in self.issue().items():
            (certs / HOST / name).write_text(text)
        (policies / "a.yaml").write_text(policy_for("example.org"))
        self.bind(policies, "/etc/mtasts-host/policies.d")
        self.bind(certs, "/etc/mtasts-host/certs")
        self.bind(volume, ABOUT["VOLUME"][0], read_only=False)
        self.start()
        self.wait_served("mx.example.org")
        (policies / "a.yaml.new").write_text(policy_for("example.org").replace("mx.", "mx2."))
        (policies / "a.yaml.new").rename(policies / "a.yaml")
        self.wait_served("mx2.example.org")
        self.stop()

    def test_a_volume_of_ours(self):
        self.serve_with_a_volume(0o700)

    def test_a_volume_of_everybody(self):
        self.serve_with_a_volume(0o777)

    def test_a_volume_of_a_group(self):
        self.serve_with_a_volume(0o2770)


class Kubelet(Machine):
    """Volumes as the kubelet lays them out: files are links to ..data/, which is a link that is swapped."""

    def setUp(self):
        super().setUp()
        self.objects = {(each["kind"], each["metadata"]["name"]): each for each in MANIFEST}
        self.deployment = self.objects["Deployment", "mtasts-host"]
        self.pod = self.deployment["spec"]["template"]["spec"]
        [self.container] = self.pod["containers"]
        self.swaps = 0

    def swap(self, volume, data, mode=0o644):
        self.swaps += 1
        group = self.pod["securityContext"]["fsGroup"]
        volume.mkdir(exist_ok=True)
        os.chown(volume, 0, group)
        version = volume / f"..2026_12_01_{self.swaps:02}"
        version.mkdir(mode=0o755)
        for name, text in data.items():
            (version / name).write_text(text)
            (version / name).chmod(mode)
            os.chown(version / name, 0, group)
            if not (volume / name).is_symlink():
                (volume / name).symlink_to(f"..data/{name}")
        before = os.readlink(volume / "..data") if (volume / "..data").is_symlink() else None
        (volume / "..data_tmp").symlink_to(version.name)
        (volume / "..data_tmp").rename(volume / "..data")
        if before is not None:
            shutil.rmtree(volume / before)

    def make(self, volume, empty_mode):
        """The volume of that entry of the manifest."""
        path = self.directory / f"volume-{volume['name']}"
        if "configMap" in volume:
            self.swap(path, self.objects["ConfigMap", volume["configMap"]["name"]]["data"])
        elif "secret" in volume:
            self.swap(path, self.issue(), volume["secret"]["defaultMode"])
        else:
            self.assertIn("emptyDir", volume)
            path.mkdir()
            os.chown(path, 0, self.pod["securityContext"]["fsGroup"])
            path.chmod(empty_mode)
        return path

    def start_pod(self, empty_mode):
        volumes = {volume["name"]: self.make(volume, empty_mode) for volume in self.pod["volumes"]}
        for each in self.container["volumeMounts"]:
            source = volumes[each["name"]]
            self.bind(source / each["subPath"] if "subPath" in each else source, each["mountPath"],
                      each.get("readOnly", False))
        self.start(self.container["args"], self.container["startupProbe"]["exec"]["command"])
        return volumes

    def test_the_manifest_is_of_this_image(self):
        context = self.pod["securityContext"]
        self.assertEqual(f"{context['runAsUser']}:{context['runAsGroup']}", ABOUT["USER"][0])
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        self.assertEqual({str(port) for port in ports.values()}, set(ABOUT["EXPOSE"]))
        service = self.objects["Service", "mtasts-host"]["spec"]
        self.assertEqual({port["port"]: port["targetPort"] for port in service["ports"]}, {443: "https", 80: "http"})
        self.assertEqual(service["selector"], self.deployment["spec"]["template"]["metadata"]["labels"])
        self.assertEqual(service["selector"], self.deployment["spec"]["selector"]["matchLabels"])
        self.assertLessEqual({port["targetPort"] for port in service["ports"]}, set(ports))

    def port(self, name):
        return next(each["containerPort"] for each in self.container["ports"] if each["name"] == name)

    def serve_and_follow(self, mode):
        volumes = self.start_pod(mode)
        ready = self.container["readinessProbe"]["httpGet"]
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port(ready['port'])}{ready['path']}", timeout=20) as answer:
            self.assertEqual(answer.status, 200)
        live = self.container["livenessProbe"]["tcpSocket"]["port"]
        socket.create_connection(("127.0.0.1", self.port(live))).close()
        self.wait_served("mode: testing")
        policies = self.objects["ConfigMap", "mtasts-host-policies"]["data"]["tenants.yaml"]
        self.swap(volumes["policies"], {"tenants.yaml": policies.replace("mode: testing", "mode: enforce")})
        self.wait_served("mode: enforce")
        before = self.fetch()[1]
        self.swap(volumes["certificate"], self.issue(), 0o440)
        wait_until(lambda: self.fetch()[1] != before, "the new certificate is served", 20)
        done = self.run_inside("mtasts-host", "status")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.stop()

    def test_a_pod_whose_emptydir_is_everybody_s(self):
        self.serve_and_follow(0o777)

    def test_a_pod_whose_emptydir_is_everybody_s_by_fsgroup(self):
        self.serve_and_follow(0o2777)

    def test_a_pod_whose_volume_is_a_group_s(self):
        self.serve_and_follow(0o2770)


def main():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len({test.id() for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
