/** The version of the library that was loaded. */
import { native } from './native.js';

/** The version of the library. */
export const version: string = native.version();
