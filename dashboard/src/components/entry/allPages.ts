// All pages that are shown instead of numbers.

export { ChooseOrganization } from "./ChooseOrganization";
export { NoAccess } from "./NoAccess";
export { SignIn } from "./SignIn";
export { SwitchQuestion } from "./SwitchQuestion";
