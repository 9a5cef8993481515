// SPDX-License-Identifier: GPL-2.0-only
import Foundation

/// How kshim calls git: never in a repository that only the environment points at.
enum Git {
  /// Variables that would lead git to another repository than the one named, as they do when
  /// kshim runs from a hook (`git rev-parse --local-env-vars` lists them).
  private static let leading = [
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  ]

  /// What keeps git from writing to the user's repository: it neither refreshes the index nor
  /// fetches what a partial clone lacks.
  private static let reading = ["GIT_OPTIONAL_LOCKS": "0", "GIT_ALLOW_PROTOCOL": "none"]

  /// Runs git on the user's repository, with the user's own configuration: `safe.directory`
  /// may be what lets git read it.
  static func run(
    in repository: String, _ arguments: [String], environment: [String: String?],
    input: Data? = nil
  ) async throws -> Command.Result {
    try await Command.run(
      "git", ["-C", repository] + arguments, environment: here(environment), input: input)
  }

  /// The environment for git in a repository that the arguments name.
  static func here(_ environment: [String: String?]) -> [String: String?] {
    var result: [String: String?] = [:]
    for name in leading { result.updateValue(nil, forKey: name) }
    for (name, value) in reading { result[name] = value }
    return result.merging(environment) { $1 }
  }

  /// Runs git in a directory of plain files, outside any repository and without the user's
  /// configuration, so that a patch applies the same way for everyone.
  static func runOutsideRepositories(
    _ arguments: [String], directory: String, environment: [String: String?],
    input: Data? = nil
  ) async throws -> Command.Result {
    var isolated = here(environment)
    for name in ["GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS"]
    {
      isolated.updateValue(nil, forKey: name)
    }
    isolated["GIT_CONFIG_NOSYSTEM"] = "1"
    isolated["GIT_CONFIG_GLOBAL"] = "/dev/null"
    isolated["GIT_ATTR_NOSYSTEM"] = "1"
    isolated["GIT_CEILING_DIRECTORIES"] = (directory as NSString).deletingLastPathComponent
    return try await Command.run(
      "git", ["-c", "core.attributesFile=/dev/null", "-c", "core.quotePath=false"] + arguments,
      environment: isolated, directory: directory, input: input)
  }
}
