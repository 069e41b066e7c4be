/** `recurrent-onnx/data`: labelled texts from files or a program, and their split. */
export { createDataset, type LabelledRow } from './create-dataset.ts';
export { type Dataset, datasetFingerprint, type Example, type Parts, type Recipe } from './dataset.ts';
export { type LengthStatistics, lengthStatistics } from './length-statistics.ts';
export { type LoadOptions, loadDataset } from './load.ts';
export { nearDuplicateGroups } from './near-duplicates.ts';
export { type Split, type SplitOptions, splitDataset } from './split.ts';
