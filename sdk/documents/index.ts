/** Documents in YAML and JSON, checked by classes, with all problems and where they are. */
export {
  DocumentError,
  type DocumentOptions,
  type DocumentProblem,
  MAX_DOCUMENTS,
  MAX_DOCUMENT_LENGTH,
  readDocument,
  readDocuments,
} from './documents.js';
