import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { describeEngines, sh } from "./engines.ts"

/** As many as keep the run short; `PYLINE_FILES=100000` for a large tree. */
const FILES = Number(process.env.PYLINE_FILES ?? 10_000)

describeEngines("a directory of the machine", (bench) => {
  const write = (name: string, text = "") => writeFileSync(`${bench.dir}/${name}`, text)

  test("is read, listed, matched and mounted as it is", async () => {
    mkdirSync(`${bench.dir}/src/deep`, { recursive: true })
    write("src/main.py", "print('main')\n")
    write("src/deep/run.sh", "#!/bin/sh\necho ran\n")
    chmodSync(`${bench.dir}/src/deep/run.sh`, 0o755)
    symlinkSync("main.py", `${bench.dir}/src/link`)
    await bench.engine.session(async (client) => {
      const d = client.host().directory(bench.dir).directory("src")
      expect(await d.entries()).toEqual(["deep/", "link", "main.py"])
      expect(await d.glob("**/*.sh")).toEqual(["deep/run.sh"])
      expect(await d.file("link").contents()).toBe("print('main')\n")
      const c = bench.fresh(client).withMountedDirectory("/x", d)
      expect(await c.withExec(["/x/deep/run.sh"]).stdout()).toBe("ran\n")
      expect(await c.withExec(["readlink", "/x/link"]).stdout()).toBe("main.py\n")
    })
  })

  test("may have links in circles and to nowhere", async () => {
    symlinkSync("b", `${bench.dir}/a`)
    symlinkSync("a", `${bench.dir}/b`)
    symlinkSync(".", `${bench.dir}/here`)
    symlinkSync("/no/where", `${bench.dir}/gone`)
    await bench.engine.session(async (client) => {
      const d = client.host().directory(bench.dir)
      expect(await d.glob("**")).toEqual(["a", "b", "gone", "here"])
      expect(await d.entries({ path: "here/here/here" })).toEqual(["a", "b", "gone", "here"])
      await expect(d.file("a").contents()).rejects.toThrow()
      await expect(d.file("gone").contents()).rejects.toThrow("no such file or directory")
      const c = bench.fresh(client).withMountedDirectory("/x", d)
      expect(await sh(c, "readlink /x/a /x/here /x/gone").stdout()).toBe("b\n.\n/no/where\n")
    })
  })

  test(`may have ${FILES} files`, async () => {
    for (let dir = 0; dir < FILES / 200; dir++) {
      mkdirSync(`${bench.dir}/many/${dir}`, { recursive: true })
      for (let file = 0; file < 200; file++) write(`many/${dir}/${file}`, `${dir} ${file}`)
    }
    await bench.engine.session(async (client) => {
      const d = client.host().directory(`${bench.dir}/many`)
      const c = bench.fresh(client).withMountedDirectory("/x", d)
      expect(await sh(c, "find /x -type f | wc -l; cat /x/9/199").stdout()).toBe(`${FILES}\n9 199`)
    })
  })

  test("keeps names with newlines, spaces and other scripts", async () => {
    const names = [
      "two\nlines",
      " blanks ",
      "quote'\"",
      "ünïcödé 漢字",
      "-rf",
      "back\\slash",
      "[x]*?",
    ]
    for (const name of names) write(name, name)
    await bench.engine.session(async (client) => {
      const d = client.host().directory(bench.dir)
      const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await d.entries()).toEqual(sorted)
      const list =
        "import os, sys; sys.stdout.write('|'.join(sorted(os.listdir('/x'), key=os.fsencode)))"
      const c = bench.fresh(client).withMountedDirectory("/x", d)
      expect(await c.withExec(["python3", "-c", list]).stdout()).toBe(sorted.join("|"))
      for (const name of names) expect(await d.file(name).contents()).toBe(name)
    })
  })

  test("that is not there, or is a file, is an error that names it", async () => {
    write("file")
    await bench.engine.session(async (client) => {
      const host = client.host()
      await expect(host.directory(`${bench.dir}/none`).entries()).rejects.toThrow(
        /none: no such file or directory/,
      )
      await expect(host.directory(`${bench.dir}/file`).entries()).rejects.toThrow(
        /file: not a directory/,
      )
      await expect(host.file(`${bench.dir}/none`).contents()).rejects.toThrow("no such file")
    })
  })

  test.skipIf(process.getuid?.() === 0)(
    "with a file that nobody may read names that file",
    async () => {
      write("closed", "x")
      chmodSync(`${bench.dir}/closed`, 0)
      await bench.engine.session(async (client) => {
        await expect(client.host().directory(bench.dir).entries()).rejects.toThrow(/closed/)
      })
    },
  )

  test("that changes before a step has it is never taken for what it was", async () => {
    write("f", "before")
    await bench.engine.session(async (client) => {
      const d = client.host().directory(bench.dir)
      await d.id()
      write("f", "after, and longer")
      const seen = bench.fresh(client).withMountedDirectory("/x", d).withExec(["cat", "/x/f"])
      if (bench.engine.name === "dagger") expect(await seen.stdout()).toBe("before")
      else await expect(seen.stdout()).rejects.toThrow("f changed while it was read")
    })
  })

  test("is one snapshot a session", async () => {
    write("f", "before")
    await bench.engine.session(async (client) => {
      const look = () => client.host().directory(bench.dir).file("f").contents()
      expect(await look()).toBe("before")
      write("f", "after, and longer")
      expect(await look()).toBe("before")
    })
    await bench.engine.session(async (client) => {
      expect(await client.host().directory(bench.dir).file("f").contents()).toBe(
        "after, and longer",
      )
    })
  })
})

describeEngines("a tree", (bench) => {
  test("is written to the machine with modes and links", async () => {
    await bench.engine.session(async (client) => {
      const d = client
        .directory()
        .withNewFile("bin/run", "#!/bin/sh\n", { permissions: 0o755 })
        .withSymlink("bin/run", "link")
      const to = `${bench.dir}/new/place`
      expect(await d.export(to)).toBe(to)
      expect(readlinkSync(`${to}/link`)).toBe("bin/run")
      const back = client.host().directory(to)
      expect(await back.glob("**")).toEqual(["bin/", "bin/run", "link"])
      expect(await back.stat("bin/run").permissions()).toBe(0o755)
    })
  })

  test("knows what changed, as a list, a patch and a tree", async () => {
    await bench.engine.session(async (client) => {
      const before = client
        .directory()
        .withNewFile("keep", "k\n")
        .withNewFile("edit", "one\ntwo\nthree\n")
        .withNewFile("drop/this", "")
      const after = before
        .withNewFile("edit", "one\n2\nthree\n")
        .withNewFile("add", "new\n")
        .withoutDirectory("drop")
      const changes = after.changes(before)
      expect(await changes.addedPaths()).toEqual(["add"])
      expect(await changes.modifiedPaths()).toEqual(["edit"])
      expect(await changes.removedPaths()).toEqual(["drop/"])
      expect(await before.withChanges(changes).glob("**")).toEqual(["add", "edit", "keep"])
      const patch = await after.withNewFile("drop/this", "").changes(before).asPatch().contents()
      expect(patch).toContain("-two\n+2\n")
      expect(await before.withPatch(patch).file("edit").contents()).toBe("one\n2\nthree\n")
    })
  })

  test("stays in itself: no path and no link leads out of it", async () => {
    await bench.engine.session(async (client) => {
      const d = client.directory().withSymlink("/etc/hostname", "out").withNewFile("d/f", "x")
      await expect(d.file("out").contents()).rejects.toThrow("no such file or directory")
      await expect(d.file("../../../etc/hostname").contents()).rejects.toThrow("no such file")
      expect(await d.directory("d").file("../d/f").contents()).toBe("x")
    })
  })
})

describeEngines("a mount", (bench) => {
  test("carries what steps wrote to the next step, and stays out of the image", async () => {
    await bench.engine.session(async (client) => {
      const source = client.directory().withNewFile("f", "old")
      const c = sh(
        bench.fresh(client).withMountedDirectory("/m", source),
        "echo new > /m/f; echo more > /m/g",
      )
      expect(await sh(c, "cat /m/f /m/g").stdout()).toBe("new\nmore\n")
      expect(await c.directory("/m").entries()).toEqual(["f", "g"])
      expect(await c.rootfs().exists("m")).toBe(false)
      expect(await source.file("f").contents()).toBe("old")
    })
  })

  test("of a part of a host directory can be written to, and is known by what is in it", async () => {
    const folder = path.join(bench.dir, "mounted")
    mkdirSync(path.join(folder, "part"), { recursive: true })
    writeFileSync(path.join(folder, "part/f"), "old\n")
    const step = () =>
      bench.engine.session(async (client) => {
        const host = client.host().directory(folder)
        const c = bench
          .fresh(client)
          .withMountedDirectory("/m", host.directory("part"))
          .withMountedFile("/n", host.file("part/f"))
        const done = sh(c, "cat /m/f /n; echo new | tee /m/f /m/g > /n; stat -c %a /m/f; date +%N")
        expect(await done.file("/m/g").contents()).toBe("new\n")
        return await done.stdout()
      })
    const first = await step()
    expect(first).toMatch(/^old\nold\n644\n\d+\n$/)
    writeFileSync(path.join(folder, "beside"), "new")
    expect(await step()).toBe(first)
    expect(readFileSync(path.join(folder, "part/f"), "utf8")).toBe("old\n")
    writeFileSync(path.join(folder, "part/f"), "other\n")
    expect(await step()).toMatch(/^other\nother\n/)
  })

  test("belongs to whom it is given to", async () => {
    await bench.engine.session(async (client) => {
      const d = client.directory().withNewFile("f", "")
      const c = bench
        .fresh(client)
        .withMountedDirectory("/m", d, { owner: "nobody" })
        .withMountedCache("/c", client.cacheVolume(bench.nonce), { owner: "nobody" })
        .withUser("nobody")
      expect(await sh(c, "stat -c %U /m /m/f /c; touch /m/x /c/x && echo ok").stdout()).toBe(
        "nobody\nnobody\nnobody\nok\n",
      )
    })
  })

  test("of a volume keeps what is in it for other containers, and is not read from outside", async () => {
    await bench.engine.session(async (client) => {
      const volume = client.cacheVolume(bench.nonce)
      const c = sh(bench.fresh(client).withMountedCache("/c", volume), "echo kept > /c/f")
      await c.sync()
      const other = bench
        .fresh(client)
        .withEnvVariable("STEP", "2")
        .withMountedCache("/other", volume)
      expect(await sh(other, "cat /other/f").stdout()).toBe("kept\n")
      await expect(c.file("/c/f").contents()).rejects.toThrow("cannot retrieve path from cache")
    })
  })
})
