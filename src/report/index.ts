/** `recurrent-onnx/report`: charts of runs and evaluations, and event files of TensorBoard. */
export { type ConfusionChart, confusionChart } from './confusion-chart.ts';
export { type Histogram, histogram } from './histogram.ts';
export { accuracyChart, type HistoryChart, lossChart } from './history-charts.ts';
export { type LineChart, lineChart, type Series, type Values } from './line-chart.ts';
export type { Mark } from './marks.ts';
export { loadPngRenderer, type PngOptions, type PngRenderer } from './png.ts';
export { type RocCurve, type RocPoint, rocCurve } from './roc.ts';
export { type RocChart, rocChart } from './roc-chart.ts';
export { openRunLog, type RunLog } from './tensorboard/run-log.ts';
export { type TerminalChart, terminalChart } from './terminal-chart.ts';
