// SPDX-License-Identifier: GPL-2.0-only

/// A log in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS), as far as kshim
/// writes it. Names and nesting are the standard's; what is nil is left out.
struct SARIFLog: Codable, Equatable {
  struct Message: Codable, Equatable {
    var text: String
    var markdown: String?
  }

  struct ArtifactLocation: Codable, Equatable {
    var uri: String?
    var uriBaseId: String?
    var description: Message?
  }

  struct Region: Codable, Equatable {
    struct Snippet: Codable, Equatable { var text: String }
    /// From 1.
    var startLine: Int
    var endLine: Int?
    var snippet: Snippet?
  }

  struct Location: Codable, Equatable {
    struct Physical: Codable, Equatable {
      var artifactLocation: ArtifactLocation
      var region: Region?
      var contextRegion: Region?
    }
    struct Logical: Codable, Equatable {
      var name: String
      var kind: String
    }
    var id: Int?
    var physicalLocation: Physical
    var logicalLocations: [Logical]?
    var message: Message?
  }

  struct ThreadFlowLocation: Codable, Equatable {
    enum Importance: String, Codable { case important, essential, unimportant }
    var executionOrder: Int
    var importance: Importance
    var kinds: [String]?
    var location: Location
    var nestingLevel: Int
  }

  struct ThreadFlow: Codable, Equatable {
    var id: String?
    var locations: [ThreadFlowLocation]
  }

  struct CodeFlow: Codable, Equatable {
    var message: Message?
    var threadFlows: [ThreadFlow]
  }

  enum Level: String, Codable { case error, warning, note, none }

  struct Result: Codable, Equatable {
    /// What the standard has no name for.
    struct Properties: Codable, Equatable {
      var assumes: String?
      var replay: String?
      var scenario: String?
    }
    var ruleId: String
    var ruleIndex: Int?
    var level: Level
    var message: Message
    var locations: [Location]
    var relatedLocations: [Location]?
    var partialFingerprints: [String: String]
    var baselineState: String?
    var occurrenceCount: Int?
    var codeFlows: [CodeFlow]?
    var properties: Properties?
  }

  /// A rule, or a kind of notification.
  struct Descriptor: Codable, Equatable {
    struct Configuration: Codable, Equatable { var level: Level }
    var id: String
    var shortDescription: Message
    var fullDescription: Message?
    var help: Message?
    var defaultConfiguration: Configuration?
  }

  struct Notification: Codable, Equatable {
    struct Reference: Codable, Equatable {
      var id: String
      var index: Int?
    }
    var descriptor: Reference
    var associatedRule: Reference?
    var level: Level
    var message: Message
    var locations: [Location]?
  }

  struct Invocation: Codable, Equatable {
    var executionSuccessful: Bool
    var exitCode: Int
    var exitCodeDescription: String?
    var toolExecutionNotifications: [Notification]?
  }

  struct Tool: Codable, Equatable {
    struct Driver: Codable, Equatable {
      var name: String
      var semanticVersion: String
      var rules: [Descriptor]
      var notifications: [Descriptor]
    }
    var driver: Driver
  }

  struct Run: Codable, Equatable {
    struct Details: Codable, Equatable { var id: String }
    var tool: Tool
    var automationDetails: Details
    var columnKind = "utf16CodeUnits"
    var defaultSourceLanguage = "c"
    var invocations: [Invocation]
    var originalUriBaseIds: [String: ArtifactLocation]
    var results: [Result]
  }

  var schema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
  var version = "2.1.0"
  var runs: [Run]

  private enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case version, runs
  }

  init(runs: [Run]) { self.runs = runs }
}
