"""import and export: static trees in and out."""

import os
import re
import shutil
import subprocess
import sys

from harness import DONE, FAILED, ProgramTest

SHARED = "version: STSv1\nmode: enforce\nmx: aspmx.l.google.com\nmx: *.googlemail.com\nmax_age: 604800\n"
OWN = "version: STSv1\r\nmode: testing\r\nmx: mx1.example.org\r\nmax_age: 86400\r\n"

IMPORTED = """policies:
  shared-1:
    mode: enforce
    mx:
      - aspmx.l.google.com
      - "*.googlemail.com"
    max_age: 604800
domains:
  a.example: shared-1
  b.example: shared-1
  example.org:
    mode: testing
    mx:
      - mx1.example.org
    max_age: 86400
"""

# What stands at the one path is a directory and a link to the other by turns, for a minute.
SWAP = """
import os, sys, time
place, elsewhere = sys.argv[1:]
end = time.monotonic() + 60
os.makedirs(place + ".own/.well-known", exist_ok=True)
os.symlink(elsewhere, place + ".link")
while time.monotonic() < end:
    for spare in (".own", ".link"):
        try:
            os.rename(place + spare, place)
            os.rename(place, place + spare)
        except OSError:
            os.system(f"rm -rf {place}")
"""


class Trees(ProgramTest):
    def setUp(self):
        super().setUp()
        self.tree = self.directory / "www"
        self.tree.mkdir()

    def put(self, path, text):
        full = self.tree / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text.encode())
        return full

    def put_three(self):
        self.put("mta-sts.a.example/.well-known/mta-sts.txt", SHARED)
        self.put("mta-sts.b.example/.well-known/mta-sts.txt", SHARED.replace("\n", "\r\n"))
        self.put("mta-sts.example.org/.well-known/mta-sts.txt", OWN)

    # --- import ---

    def without_ids(self, text):
        """Each policy has an id of ours; without these lines."""
        lines = text.splitlines(keepends=True)
        ids = [line for line in lines if re.match(r'    id: "\d{14}[0-9a-f]{10}"$', line)]
        self.assertEqual(len(ids), len([line for line in lines if "max_age" in line]))
        return "".join(line for line in lines if line not in ids)

    def test_the_first_bump_changes_what_was_edited_and_nothing_else(self):
        self.put_three()
        path = self.policies / "all.yaml"
        self.program("import", self.tree, "--output", path, want=DONE)
        text = path.read_text()
        self.program("-c", self.config, "bump-id", want=DONE)
        self.assertEqual(path.read_text(), text)
        self.assertEqual(self.program("-c", self.config, "bump-id", "--check", want=DONE).out, "")
        path.write_text(text.replace("mode: testing", "mode: none", 1))
        self.assertNotEqual(path.read_text(), text)
        self.program("-c", self.config, "bump-id", want=DONE)
        changed = [line for line in path.read_text().splitlines() if line not in text]
        self.assertEqual([line.split(":")[0].strip() for line in changed], ["mode", "id"])

    def test_policies_that_several_domains_have_are_shared(self):
        self.put_three()
        result = self.program("import", self.tree, want=DONE)
        self.assertEqual(self.without_ids(result.out), IMPORTED)
        self.assertIn("3 domains, 1 shared policies\n", result.err)

    def test_what_was_imported_loads(self):
        self.put_three()
        self.program("import", self.tree, "--output", self.policies / "all.yaml", want=DONE)
        self.assertEqual(self.without_ids((self.policies / "all.yaml").read_text()), IMPORTED)
        self.run_in("lint")
        self.assertEqual(len(self.run_in("record", "--all").out.splitlines()), 3)

    def test_no_shared(self):
        self.put_three()
        out = self.program("import", "--no-shared", self.tree, want=DONE).out
        self.assertNotIn("policies:", out)
        self.assertEqual(out.count("aspmx"), 2)

    def test_other_layouts_are_found_and_other_directories_passed_over(self):
        self.put("mta-sts.a.example/mta-sts.txt", OWN)
        self.put("b.example/.well-known/mta-sts.txt", OWN)
        self.put("c.example/mta-sts.txt", OWN)
        self.put("mta-sts.Bücher.example/mta-sts.txt", OWN)
        self.put("html/index.html", "")
        self.put(".git/mta-sts.txt", OWN)
        (self.tree / "empty.example").mkdir()
        out = self.program("import", self.tree, want=DONE).out
        self.assertEqual([line.split(":")[0].strip() for line in out.splitlines()
                          if line.endswith(": shared-1")],
                         ["a.example", "b.example", "c.example", "xn--bcher-kva.example"])

    def test_layouts_of_hosting_are_found(self):
        self.put("mta-sts.a.example/html/.well-known/mta-sts.txt", OWN)
        self.put("mta-sts.b.example/httpdocs/.well-known/mta-sts.txt", OWN)
        self.put("mta-sts.c.example/current/public/.well-known/mta-sts.txt", OWN)
        self.put("MTA-STS.D.Example/.well-known/mta-sts.txt", OWN)
        # Of two the first by name; the usual place goes before both.
        self.put("mta-sts.e.example/z/.well-known/mta-sts.txt", SHARED)
        self.put("mta-sts.e.example/a/.well-known/mta-sts.txt", OWN)
        self.put("mta-sts.f.example/a/.well-known/mta-sts.txt", SHARED)
        self.put("mta-sts.f.example/.well-known/mta-sts.txt", OWN)
        result = self.program("import", self.tree, want=DONE)
        self.assertEqual([line.split(":")[0].strip() for line in result.out.splitlines()
                          if line.endswith(": shared-1")], [f"{c}.example" for c in "abcdef"])
        # The directory of one host alone.
        one = self.program("import", self.tree / "mta-sts.b.example", want=DONE)
        self.assertIn("  b.example:", one.out)

    def test_nothing_is_left_out_in_silence(self):
        self.put_three()
        self.put("html/.well-known/mta-sts.txt", OWN)
        self.put("mta-sts/.well-known/mta-sts.txt", OWN)
        self.put("not a host/mta-sts.txt", OWN)
        self.put("mta-sts.deep.example/a/b/c/.well-known/mta-sts.txt", OWN)
        self.put("mta-sts.bad.example/.well-known/mta-sts.txt", "version: STSv1\n")
        (self.tree / "mta-sts.none.example").mkdir()
        (self.tree / "mta-sts.file.example").write_text("")
        result = self.program("import", self.tree, want=FAILED)
        self.assertEqual(self.without_ids(result.out), IMPORTED)
        for name in ("html", "mta-sts", "not a host"):
            self.assertIn(f"{self.tree}/{name}: warning: left out: whose policy it has", result.err)
        for name in ("deep", "none"):
            self.assertIn(f"{self.tree}/mta-sts.{name}.example: warning: left out: there is no mta-sts.txt",
                          result.err)
        self.assertNotIn("mta-sts.file.example", result.err)
        self.assertIn("3 domains, 1 shared policies; 6 left out, as is told above", result.err)

    def test_of_two_places_for_one_domain_the_host_directory_counts(self):
        self.put("mta-sts.a.example/.well-known/mta-sts.txt", OWN)
        self.put("a.example/.well-known/mta-sts.txt", SHARED)
        result = self.program("import", self.tree, want=DONE)
        self.assertIn("mx1.example.org", result.out)
        self.assertNotIn("google", result.out)
        self.assertRegex(result.err, r"www/a\.example/\S+: warning: left out: ")

    def test_what_is_no_policy_is_named_and_the_others_imported(self):
        self.put_three()
        self.put("mta-sts.bad.example/.well-known/mta-sts.txt",
                 "version: STSv1\nmode: enforced\nmx: a.example\nmax_age: 86400\n")
        result = self.program("import", self.tree, want=FAILED)
        self.assertEqual(self.without_ids(result.out), IMPORTED)
        self.assertRegex(result.err, r"mta-sts\.bad\.example/\.well-known/mta-sts\.txt:2:\d+: error: ")

    def test_an_existing_file_is_never_touched(self):
        self.put_three()
        path = self.write("all.yaml", "domains: {}\n")
        result = self.program("import", self.tree, "--output", path, want=FAILED)
        self.assertIn("all.yaml exists already", result.err)
        self.assertEqual(path.read_text(), "domains: {}\n")
        self.assertEqual(os.listdir(self.policies), ["all.yaml"])

    def test_an_empty_or_missing_tree(self):
        self.assertIn("no policy below", self.program("import", self.tree, want=FAILED).err)
        self.assertIn("cannot read the directory",
                      self.program("import", self.directory / "missing", want=FAILED).err)

    # --- export ---

    def exported(self):
        return sorted(str(p.relative_to(self.tree)) for p in self.tree.rglob("*")
                      if p.is_file() and p.name != ".mtasts-host-export")

    def test_round_trip(self):
        self.write("all.yaml", IMPORTED)
        result = self.run_in("export", self.tree)
        self.assertIn("3 domains: 3 written, 0 unchanged, 0 deleted", result.err)
        self.assertEqual(self.exported(), [f"mta-sts.{d}/.well-known/mta-sts.txt"
                                           for d in ("a.example", "b.example", "example.org")])
        text = self.tree / "mta-sts.example.org/.well-known/mta-sts.txt"
        self.assertEqual(text.read_bytes(), OWN.encode())
        self.assertEqual(text.stat().st_mode & 0o777, 0o644)
        self.assertEqual(self.without_ids(self.program("import", self.tree, want=DONE).out),
                         IMPORTED)

    def test_a_web_server_can_read_it_under_any_umask(self):
        self.write("all.yaml", IMPORTED)
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        self.run_in("export", self.tree / "new")
        for path in (self.tree / "new").rglob("*"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o755 if path.is_dir() else 0o644, path)

    def test_killed_on_the_way_every_file_is_the_old_or_the_new(self):
        path = self.write("all.yaml", IMPORTED)
        self.run_in("export", self.tree)
        before = {p: p.read_bytes() for p in self.tree.rglob("mta-sts.txt")}
        path.write_text(IMPORTED.replace("max_age: ", "max_age: 1"))
        for point in ("batch.synced", "batch.renamed:1", "batch.renamed:2", "batch.renamed:3"):
            with self.subTest(point=point):
                killed = self.program("-c", self.config, "export", self.tree,
                                      env={"MTASTS_FAULT_POINT": point})
                if killed.code == DONE:
                    self.skipTest("fault points are not compiled into this build")
                for file, text in before.items():
                    self.assertIn(file.read_bytes(), (text, text.replace(b"age: ", b"age: 1")))
                path.write_text(IMPORTED)
                self.run_in("export", self.tree)
                self.assertEqual(before, {p: p.read_bytes() for p in before})
                path.write_text(IMPORTED.replace("max_age: ", "max_age: 1"))

    def test_more_files_than_fit_one_batch(self):
        self.write("many.yaml", "domains:\n" + "".join(
            f"  t{i}.example: {{mode: none, max_age: 1d}}\n" for i in range(1100)))
        self.assertIn("1100 written", self.run_in("export", self.tree).err)
        self.assertEqual(len(self.exported()), 1100)
        self.assertIn("1100 unchanged", self.run_in("export", self.tree).err)

    def test_what_stands_in_the_way_of_one_holds_up_no_other(self):
        """In the first batch of three; the others are there, and what is said of them is true."""
        names = [f"d{i}.example" for i in range(1000, 3100)]
        self.write("many.yaml", "domains:\n" + "".join(
            f"  {name}: {{mode: none, max_age: 1d, id: '1'}}\n" for name in names))
        kept = self.tree / "mta-sts.d1005.example/.well-known/mta-sts.txt"
        kept.mkdir(parents=True)
        result = self.run_in("export", self.tree, want=FAILED)
        self.assertIn(f"{kept} is a directory; remove it", result.err)
        self.assertIn("2100 domains: 2099 written, 0 unchanged, 0 deleted", result.err)
        files = [path for path in self.tree.rglob("*") if path.is_file()]
        self.assertEqual(len(files), 2099 + 1)  # and the list
        kept.rmdir()
        result = self.run_in("export", self.tree)
        self.assertIn("2100 domains: 1 written, 2099 unchanged, 0 deleted", result.err)

    def test_only_what_differs_is_written(self):
        path = self.write("all.yaml", IMPORTED)
        self.run_in("export", self.tree)
        before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in self.tree.rglob("*.txt")}
        path.write_text(IMPORTED.replace("mx1.example.org", "mx2.example.org"))
        result = self.run_in("export", self.tree)
        self.assertIn("1 written, 2 unchanged", result.err)
        same = [p for p in before if before[p] == (p.stat().st_mtime_ns, p.stat().st_ino)]
        self.assertEqual(len(same), 2)

    def test_delete_takes_what_an_export_wrote_and_nothing_else(self):
        path = self.write("all.yaml", IMPORTED)
        self.run_in("export", self.tree)
        by_hand = self.put("mta-sts.hand.example/.well-known/mta-sts.txt", SHARED)
        beside = self.put("mta-sts.a.example/index.html", "hello")
        other = self.put("c.example/.well-known/mta-sts.txt", OWN)
        path.write_text("domains:\n  example.org: {mode: testing, mx: [mx1.example.org], "
                        "max_age: 86400}\n")
        self.run_in("export", self.tree)
        same = self.tree / "mta-sts.same.example/.well-known/mta-sts.txt"
        same.parent.mkdir(parents=True)
        same.write_bytes((self.tree / "mta-sts.b.example/.well-known/mta-sts.txt").read_bytes())
        link = self.tree / "mta-sts.a.example/.well-known/mta-sts.txt"
        link.rename(link.with_name("target"))
        link.symlink_to("target")
        self.assertEqual(len(list(self.tree.rglob("mta-sts.txt"))), 6)
        result = self.run_in("export", "--delete", self.tree)
        self.assertIn("1 deleted", result.err)
        self.assertIn("mta-sts.hand.example/.well-known/mta-sts.txt: warning: kept", result.err)
        self.assertEqual(self.exported(), sorted(
            str(p.relative_to(self.tree)) for p in (
                by_hand, beside, other, same, link, link.with_name("target"),
                self.tree / "mta-sts.example.org/.well-known/mta-sts.txt")))
        self.assertFalse((self.tree / "mta-sts.b.example").exists())

    def test_nothing_is_deleted_where_a_directory_of_policies_is_empty(self):
        """As that of a disk that is not mounted."""
        self.config.write_text(self.config.read_text().replace("policies.d", "[policies.d, other]"))
        (self.directory / "other").mkdir()
        other = self.write("../other/o.yaml", "domains: {o.example: {mode: none, max_age: 1d}}\n")
        self.write("a.yaml", "domains: {a.example: {mode: none, max_age: 1d}}\n")
        self.run_in("export", "--delete", self.tree)
        other.unlink()
        for _ in range(2):
            result = self.run_in("export", "--delete", self.tree, want=FAILED)
            self.assertIn("has no policy file", result.err)
            self.assertTrue((self.tree / "mta-sts.o.example/.well-known/mta-sts.txt").exists())
        other.write_text("domains: {}\n")
        self.assertIn("1 deleted", self.run_in("export", "--delete", self.tree).err)
        other.unlink()
        self.assertIn("1 unchanged, 0 deleted", self.run_in("export", "--delete", self.tree).err)

    def test_nothing_is_deleted_while_a_file_is_in_error(self):
        path = self.write("all.yaml", IMPORTED)
        self.run_in("export", self.tree)
        path.write_text(IMPORTED.replace("enforce", "enforced"))
        result = self.run_in("export", "--delete", self.tree, want=FAILED)
        self.assertIn("Nothing was deleted", result.err)
        self.assertEqual(len(self.exported()), 3)

    def test_nothing_is_written_through_a_link_in_the_tree(self):
        """Whoever may write in it, as a tenant by FTP, would have root write where he cannot."""
        self.write("all.yaml", IMPORTED)
        for place in ("mta-sts.a.example", "mta-sts.a.example/.well-known",
                      "mta-sts.a.example/.well-known/mta-sts.txt", ".mtasts-host-export"):
            for kind in ("directory", "file", "nothing"):
                with self.subTest(place=place, kind=kind):
                    shutil.rmtree(self.tree)
                    elsewhere = self.directory / "elsewhere"
                    shutil.rmtree(elsewhere, ignore_errors=True)
                    elsewhere.mkdir()
                    target = elsewhere / "target"
                    if kind == "directory":
                        (target / ".well-known").mkdir(parents=True)
                    elif kind == "file":
                        target.write_text("precious\n")
                    link = self.tree / place
                    link.parent.mkdir(parents=True)
                    link.symlink_to(target)
                    before = self.all_of(elsewhere)
                    result = self.run_in("export", self.tree, want=FAILED)
                    self.assertIn(f"{link} is a link; remove it", result.err)
                    self.assertEqual(self.all_of(elsewhere), before)
                    self.assertTrue(link.is_symlink())
                    if place != ".mtasts-host-export":  # one tenant's link, one tenant's fault
                        self.assertIn("mta-sts.b.example/.well-known/mta-sts.txt", self.exported())

    def all_of(self, directory):
        return sorted((str(p), p.read_text() if p.is_file() else None)
                      for p in directory.rglob("*"))

    def test_a_tree_that_is_named_by_a_link(self):
        """The operator named it."""
        self.write("all.yaml", IMPORTED)
        named = self.directory / "named"
        named.symlink_to(self.tree)
        self.run_in("export", named)
        self.assertEqual(len(self.exported()), 3)

    def test_nobody_wins_a_race_for_where_it_is_written(self):
        self.write("all.yaml", IMPORTED)
        elsewhere = self.directory / "elsewhere"
        (elsewhere / ".well-known").mkdir(parents=True)
        place = self.tree / "mta-sts.a.example"
        swap = subprocess.Popen([sys.executable, "-c", SWAP, place, elsewhere])
        try:
            for _ in range(30):
                self.run_in("export", self.tree, want=None)
                self.assertIsNone(swap.poll())
                self.assertEqual(list((elsewhere / ".well-known").iterdir()), [])
        finally:
            swap.kill()
            swap.wait()

    def test_a_tree_that_cannot_be_written(self):
        self.write("all.yaml", IMPORTED)
        (self.tree / "mta-sts.a.example").write_text("a file in the way")
        result = self.run_in("export", self.tree, want=FAILED)
        self.assertIn("mta-sts.a.example", result.err)
