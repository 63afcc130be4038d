// Reads a Jenkinsfile with the Groovy that is in Jenkins, and does what it says: directives of declarative pipelines that the
// written files use, and no others. A stage's `sh` runs as Jenkins runs it, with `sh -xe` and without a terminal.
//
//   groovy run.groovy Jenkinsfile credentials.json      in the workspace
//
// Variables: BRANCH_NAME, WORKSPACE_TMP. Says `[stage] name`, `[skipped] name`, `[junit] count`, `[archived] count`.
import groovy.json.JsonSlurper
import org.codehaus.groovy.control.CompilerConfiguration

class Run {
  static File workspace = new File('.').canonicalFile
  static Map credentials = [:]
  static String branch = System.getenv('BRANCH_NAME')
  static boolean failed = false

  static void say(String text) { println text; System.out.flush() }

  static List<File> files(String pattern) {
    def found = []
    def matcher = java.nio.file.FileSystems.default.getPathMatcher("glob:$pattern")
    workspace.eachFileRecurse(groovy.io.FileType.FILES) {
      if (matcher.matches(workspace.toPath().relativize(it.toPath()))) found << it
    }
    found
  }

  /** Nothing but the directives of its delegate may stand in a block. */
  static void block(Object delegate, Closure body) {
    body.delegate = delegate
    body.resolveStrategy = Closure.DELEGATE_ONLY
    body.call()
  }
}

// Not called Jenkinsfile: that is the name which Groovy gives the script itself, after its file.
abstract class Declarative extends Script {
  void pipeline(Closure body) { Run.block(new Pipeline(), body) }
}

class Pipeline {
  final String any = 'any'
  boolean hasAgent
  void agent(String where) { hasAgent = true }
  void options(Closure body) { Run.block(new Options(), body) }
  void stages(Closure body) {
    if (!hasAgent) throw new IllegalStateException('a pipeline needs an agent')
    def stages = new Stages()
    Run.block(stages, body)
    stages.all.each { it.run() }
  }
}

class Options {
  void timeout(Map limits) { assert limits.time instanceof Integer && limits.unit in ['SECONDS', 'MINUTES', 'HOURS'] }
  void disableConcurrentBuilds() {}
}

class Stages {
  List<Stage> all = []
  void stage(String name, Closure body) {
    def stage = new Stage(name: name)
    Run.block(stage, body)
    if (!stage.work) throw new IllegalStateException("stage $name has no steps")
    all << stage
  }
}

class Stage {
  String name
  Closure work
  Closure after
  Closure condition
  Closure variables
  void when(Closure body) { condition = body }
  void environment(Closure body) { variables = body }
  void steps(Closure body) { work = body }
  void post(Closure body) { after = body }

  void run() {
    def when = new When()
    if (condition) Run.block(when, condition)
    if (!when.holds || Run.failed) { Run.say("[skipped] $name"); return }
    Run.say("[stage] $name")
    def environment = new Environment()
    if (variables) Run.block(environment, variables)
    attempt { Run.block(new Steps(env: environment.variables), work) }
    if (after) Run.block(new Post(env: environment.variables, stage: this), after)
  }

  void attempt(Closure work) {
    try { work() } catch (Failed e) { Run.failed = true; Run.say("ERROR: ${e.message}") }
  }
}

class When {
  boolean holds = true
  void branch(String name) { holds = holds && Run.branch == name }
}

class Environment {
  Map<String, String> variables = [:]
  Map credentials(String id) {
    def found = Run.credentials[id]
    if (!found) throw new IllegalStateException("no credential is named $id")
    found
  }
  /** As the plug-in for credentials does: a file's name, or the word with its two parts. */
  void setProperty(String name, Object value) {
    if (!(value instanceof Map)) { variables[name] = value.toString(); return }
    variables[name] = value.file ?: "${value.username}:${value.password}".toString()
    if (value.username) variables[name + '_USR'] = value.username
    if (value.password) variables[name + '_PSW'] = value.password
  }
}

class Post {
  Map<String, String> env
  Stage stage
  void always(Closure body) { stage.attempt { Run.block(new Steps(env: env), body) } }
}

class Steps {
  Map<String, String> env
  void sh(String script) {
    def builder = new ProcessBuilder('sh', '-xe', '-c', script).directory(Run.workspace).redirectErrorStream(true)
    builder.environment().putAll(env)
    def process = builder.start()
    process.outputStream.close()
    process.inputStream.eachLine { Run.say(it) }
    if (process.waitFor() != 0) throw new Failed("script returned exit code ${process.exitValue()}")
  }
  void junit(Map options) {
    def found = Run.files(options.testResults)
    if (!found && !options.allowEmptyResults) throw new Failed('No test report files were found')
    found.each { new XmlSlurper().parse(it) }
    Run.say("[junit] ${found.size()}")
  }
  void archiveArtifacts(Map options) {
    def found = Run.files(options.artifacts)
    if (!found && !options.allowEmptyArchive) throw new Failed('No artifacts found')
    Run.say("[archived] ${found.size()}")
  }
}

class Failed extends RuntimeException {
  Failed(String message) { super(message) }
}

Run.credentials = new JsonSlurper().parse(new File(args[1])) as Map
def configuration = new CompilerConfiguration(scriptBaseClass: Declarative.name)
new GroovyShell(Declarative.classLoader, new Binding(), configuration).evaluate(new File(args[0]))
System.exit(Run.failed ? 1 : 0)
